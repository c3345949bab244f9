// Operators that map each element of one float32 tensor.
#pragma once

#include <string_view>
#include <vector>

#include "common/cnn/ops/support/elementwise.hpp"

namespace hyps::cnn::ops {

using ReferenceForm = std::vector<Tensor> (*)(const NodeContext&,
                                              const std::vector<const Tensor*>&);
using KernelForm = Kernel (*)(const NodeContext&);

// One float32 input, no attributes.
Values infer_unary(const NodeContext& context);

// The operator without attributes; one that has some replaces `infer`.
Operator unary_operator(std::string_view type, ReferenceForm reference,
                        KernelForm kernel = reference_kernel);

// reference: f(double) of each element, rounded once.
template <double (*f)(double)>
std::vector<Tensor> map_first(const NodeContext& /*context*/,
                              const std::vector<const Tensor*>& inputs) {
  return map_elements(*inputs[0],
                      [](float x) { return static_cast<float>(f(static_cast<double>(x))); });
}

// kernel: a function without parameters.
template <UnaryKernel::Function function>
Kernel unary_kernel(const NodeContext& /*context*/) {
  return UnaryKernel{function, 0, 0};
}

}  // namespace hyps::cnn::ops
