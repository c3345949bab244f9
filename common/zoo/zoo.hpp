// Well-known topologies with seeded weights, for tests and benchmarks without any download. Shapes
// and parameter counts are those of torchvision's models; weights are drawn so that activations
// neither vanish nor overflow (He et al. 2015), the same bits on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::zoo {

// "alexnet", "densenet121", … (README.md)
std::vector<std::string> names();

// A graph with shapes inferred, one picture as input, opset 13. Error: not_found lists the names.
Result<cnn::Graph> make(const std::string& name, std::uint64_t seed);

}  // namespace hyps::zoo
