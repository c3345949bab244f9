// Program: a graph lowered to kernels, before any library is involved. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/cnn/kernel.hpp"

namespace hyps::engine {

// One node as the kernel its operator named for it.
struct Operation {
  std::size_t node = 0;  // index into graph.nodes
  cnn::Kernel kernel;
  std::vector<std::string> inputs;  // values or weights; "" is omitted
  std::vector<std::string> outputs;
};

// Applied to the result of a head operation, element by element, in order.
struct PostOp {
  enum class Kind { add, unary };
  Kind kind = Kind::unary;
  cnn::UnaryKernel unary;  // Kind::unary
  std::string operand;     // Kind::add: a value that dies here, so it may be overwritten
};

// An operation and the followers it has absorbed. `absorbed` keeps what they were, so that an
// engine that cannot do the fused form runs head and absorbed one after another instead.
struct Group {
  Operation head;
  std::vector<Operation> absorbed;
  std::optional<cnn::AffineKernel> scaling;  // of the head's output channels, before post
  std::vector<PostOp> post;

  [[nodiscard]] const std::vector<std::string>& outputs() const {
    return absorbed.empty() ? head.outputs : absorbed.back().outputs;
  }
};

using Program = std::vector<Group>;  // in execution order

// One group for each node. REQUIRES: infer_shapes succeeded on the graph.
Result<Program> lower(const cnn::Graph& graph);

}  // namespace hyps::engine
