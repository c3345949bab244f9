// Operators that map each number of one tensor of any type but bool: exporters use them on extents.
#pragma once

#include "common/cnn/ops/support/binary.hpp"

namespace hyps::cnn::ops {

Operator number_operator(std::string_view type, ReferenceForm reference,
                         KernelForm kernel = reference_kernel);

// -x, wrapping around.
inline std::int64_t negative(std::int64_t x) { return wrapped(0 - bits(x)); }

// reference: Function's (double) on float32, its (int64) on integers.
template <typename Function>
std::vector<Tensor> map_numbers(const NodeContext& context,
                                const std::vector<const Tensor*>& inputs) {
  const Function f{};
  // A fold begins with its first operand as it is, so there are two.
  const auto left = [&](auto x, auto /*again*/) { return f(x); };
  return fold_elements({inputs[0], inputs[0]}, context.outputs[0], left);
}

}  // namespace hyps::cnn::ops
