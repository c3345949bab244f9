// Operators that combine inputs element by element, broadcast as in numpy. A function object has
// two forms: (double, double) for float32 and (int64, int64) for integers, which must never
// overflow.
#pragma once

#include <string_view>
#include <vector>

#include "common/cnn/ops/support/unary.hpp"

namespace hyps::cnn::ops {

// Exactly two inputs; or one and more.
Operator binary_operator(std::string_view type, ReferenceForm reference,
                         KernelForm kernel = reference_kernel);
Operator variadic_operator(std::string_view type, ReferenceForm reference,
                           KernelForm kernel = reference_kernel);

template <typename Function>
std::vector<Tensor> fold_inputs(const NodeContext& context,
                                const std::vector<const Tensor*>& inputs) {
  return fold_elements(inputs, context.outputs[0], Function{});
}

// Engines know float32 only.
template <BinaryKernel::Function function>
Kernel binary_kernel(const NodeContext& context) {
  if (context.inputs[0].type != DType::f32) return ReferenceKernel{};
  if (context.inputs.size() == 1) return ViewKernel{};
  return BinaryKernel{function};
}

// int64 arithmetic that wraps around.
inline std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
inline std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

}  // namespace hyps::cnn::ops
