// Engine: the port behind which a graph is made to run fast. Two implementations: oneDNN and the
// scalar reference. Promise 2 stands on this port: the same graph on the same input gives the same
// bits on every run, with any number of threads, in any process of the same build and ISA.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::engine {

// A graph ready to run. Not thread-safe: one run at a time; distinct Executables are independent.
class Executable {
 public:
  virtual ~Executable() = default;
  // inputs and outputs in the order of the graph's; shapes are checked (ErrorKind::invalid).
  virtual Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) = 0;
  // What stays resident while this lives: packed weights, activations, scratch. Bytes.
  [[nodiscard]] virtual std::size_t resident_bytes() const = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;
  // REQUIRES: infer_shapes succeeded on the graph. Weights are copied or packed as needed; the
  // graph (and a file mapped behind it) may go away afterwards unless resident_bytes counts it.
  virtual Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph) = 0;
  [[nodiscard]] virtual std::string isa() const = 0;  // "avx512_core_vnni", "asimd", "scalar"
};

// `threads` 0: as many as the cgroup's CPU quota and the affinity mask allow.
std::unique_ptr<Engine> make_onednn_engine(int threads);
std::unique_ptr<Engine> make_reference_engine();

// The number of CPUs this process may really use: affinity mask and cgroup (v1 and v2) quota,
// rounded up, at least 1.
int usable_cpus();

}  // namespace hyps::engine
