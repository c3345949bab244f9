// Range: numbers from `start` towards `limit` by `delta`, all constants, so it always folds. Since
// opset 11.
#include <algorithm>
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/binary.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Status check_operand(const NodeContext& context, std::size_t input, const char* what) {
  const Value& value = context.inputs[input];
  if (element_count(value.shape) != 1 || value.type != context.inputs[0].type) {
    return context.error(std::string(what) + " is " + to_string(value.type) + " " +
                         to_string(value.shape) + " instead of one " +
                         to_string(context.inputs[0].type));
  }
  if (context.constants[input] != nullptr) return {};
  return unsupported(context, std::string(what) + " ('" + value.name + "') must be a constant");
}

// The three operands as int64 or double.
template <typename Wider>
std::array<Wider, 3> operands(const NodeContext& context) {
  std::array<Wider, 3> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Tensor& tensor = *context.constants[i];
    if (tensor.type == DType::f32) values[i] = static_cast<Wider>(tensor.f32()[0]);
    if (tensor.type == DType::i64) values[i] = static_cast<Wider>(tensor.i64()[0]);
    if (tensor.type == DType::i32) {
      values[i] = static_cast<Wider>(tensor.values<std::int32_t>()[0]);
    }
  }
  return values;
}

// At most one more than any tensor may have.
std::int64_t count_of_integers(const NodeContext& context) {
  const auto [start, limit, delta] = operands<std::int64_t>(context);
  if (delta > 0 ? limit <= start : limit >= start) return 0;
  const std::uint64_t span = delta > 0 ? bits(limit) - bits(start) : bits(start) - bits(limit);
  const std::uint64_t step = delta > 0 ? bits(delta) : 0 - bits(delta);
  return static_cast<std::int64_t>(
      std::min((span - 1) / step + 1, static_cast<std::uint64_t>(kMaxTensorBytes) + 1));
}

std::int64_t count_of_floats(const NodeContext& context) {
  const auto [start, limit, delta] = operands<double>(context);
  const double count = std::ceil((limit - start) / delta);
  if (!(count > 0)) return 0;
  return static_cast<std::int64_t>(std::min(count, static_cast<double>(kMaxTensorBytes) + 1));
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {3, 3}));
  const DType type = context.inputs[0].type;
  if (type != DType::f32 && type != DType::i64 && type != DType::i32) {
    return unsupported(context, "only float32, int32 and int64 are supported");
  }
  HYPS_CHECK(check_operand(context, 0, "start"));
  HYPS_CHECK(check_operand(context, 1, "limit"));
  HYPS_CHECK(check_operand(context, 2, "delta"));
  if (operands<double>(context)[2] == 0) return context.error("delta is 0");
  const bool floats = type == DType::f32;
  return one_output(context, type,
                    {floats ? count_of_floats(context) : count_of_integers(context)});
}

template <typename Element>
Tensor series(const NodeContext& context) {
  const auto [start, limit, delta] = operands<Wide<Element>>(context);
  const Value& output = context.outputs[0];
  std::vector<Element> values;
  for (std::int64_t i = 0; i < output.shape[0]; ++i) {
    if constexpr (std::is_same_v<Element, float>) {
      values.push_back(static_cast<float>(start + static_cast<double>(i) * delta));
    } else {
      values.push_back(static_cast<Element>(wrapped(bits(start) + bits(i) * bits(delta))));
    }
  }
  return {output.type, output.shape, Blob::of(std::move(values))};
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& /*inputs*/) {
  const DType type = context.outputs[0].type;
  if (type == DType::f32) return {series<float>(context)};
  if (type == DType::i64) return {series<std::int64_t>(context)};
  return {series<std::int32_t>(context)};
}

}  // namespace

Operator range() {
  return {.type = "Range",
          .opset_min = 11,
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = no_slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
