// Cast: another element type. Floats are cut towards zero and stop at the ends of an integer type,
// NaN becomes 0; integers wrap around.
#include <cmath>
#include <limits>

#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

// ONNX's numbers of the element types.
std::optional<DType> type_named(std::int64_t number) {
  switch (number) {
    case 1:
    case 10:  // float16 and
    case 16:  // bfloat16, which the importer widens everywhere
      return DType::f32;
    case 2:
      return DType::u8;
    case 6:
      return DType::i32;
    case 7:
      return DType::i64;
    case 9:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {1, 1}, {{"to", AttributeKind::integer}}));
  const auto type = type_named(context.integer("to", 0));
  if (!type) {
    return unsupported(context, "element type " + std::to_string(context.integer("to", 0)) +
                                    " is not supported; supported are float32 (1) and the halves "
                                    "(10, 16) as such, uint8 (2), "
                                    "int32 (6), int64 (7) and bool (9)");
  }
  return one_output(context, *type, context.shape(0));
}

template <typename To, typename From>
To converted(From x) {
  if constexpr (std::is_same_v<From, float> && !std::is_same_v<To, float>) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(x)) return 0;
    if (x >= static_cast<float>(Limits::max())) return Limits::max();
    if (x <= static_cast<float>(Limits::min())) return Limits::min();
  }
  return static_cast<To>(x);
}

template <typename To, typename From>
Blob convert(const Tensor& x, bool to_bool) {
  std::vector<To> y;
  y.reserve(x.values<From>().size());
  for (const From value : x.values<From>()) {
    y.push_back(to_bool ? static_cast<To>(value != From{}) : converted<To>(value));
  }
  return Blob::of(std::move(y));
}

template <typename To>
Blob convert_to(const Tensor& x, bool to_bool) {
  switch (x.type) {
    case DType::f32:
      return convert<To, float>(x, to_bool);
    case DType::i64:
      return convert<To, std::int64_t>(x, to_bool);
    case DType::i32:
      return convert<To, std::int32_t>(x, to_bool);
    default:
      return convert<To, std::uint8_t>(x, to_bool);
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Value& output = context.outputs[0];
  const Tensor& x = *inputs[0];
  switch (output.type) {
    case DType::f32:
      return {Tensor{output.type, output.shape, convert_to<float>(x, false)}};
    case DType::i64:
      return {Tensor{output.type, output.shape, convert_to<std::int64_t>(x, false)}};
    case DType::i32:
      return {Tensor{output.type, output.shape, convert_to<std::int32_t>(x, false)}};
    default:
      return {Tensor{output.type, output.shape,
                     convert_to<std::uint8_t>(x, output.type == DType::boolean)}};
  }
}

Kernel kernel(const NodeContext& context) {
  if (context.outputs[0].type != context.inputs[0].type) return ReferenceKernel{};
  return view_kernel(context);
}

}  // namespace

Operator cast() {
  return {.type = "Cast",
          .infer = infer,
          .flops = no_flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_first_input,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
