// Runs conformance cases with anything that can run a graph, and compares.
#pragma once

#include <functional>
#include <string>

#include "tests/conformance/onnx/cases.hpp"

namespace hyps::conformance {

using Runner = std::function<Result<std::vector<cnn::Tensor>>(const cnn::Graph&,
                                                              const std::vector<cnn::Tensor>&)>;

struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

// Where the case fails and how; empty if it passes.
std::string failure(const Case& test_case, const Runner& run, Tolerance tolerance);

// Every eligible case passes, except those in cannot_pass.txt, which do not. Prints how many ran.
void expect_conformance(const char* what, const Runner& run, Tolerance tolerance);

}  // namespace hyps::conformance
