// Gemm: alpha * op(A) * op(B) + beta * C, C broadcast to the output. The fully connected layer.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

bool is_set(const NodeContext& context, const char* name) { return context.integer(name, 0) != 0; }

// op(matrix) as [rows, columns].
struct Extents {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

Extents extents_of(const NodeContext& context, std::size_t input, const char* transposed) {
  const Shape& shape = context.shape(input);
  return is_set(context, transposed) ? Extents{shape[1], shape[0]} : Extents{shape[0], shape[1]};
}

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(
      check_node(context, {2, 3},
                 {{"alpha", real}, {"beta", real}, {"transA", integer}, {"transB", integer}}));
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 2, 2));
  HYPS_CHECK(check_rank(context, 1, 2, 2));
  const Extents a = extents_of(context, 0, "transA");
  const Extents b = extents_of(context, 1, "transB");
  if (a.columns != b.rows) {
    return context.error("input has " + std::to_string(a.columns) + " features, weights expect " +
                         std::to_string(b.rows));
  }
  Shape shape{a.rows, b.columns};
  if (context.has_input(2) && broadcast(context.shape(2), shape) != shape) {
    return context.error("C of shape " + to_string(context.shape(2)) + " does not broadcast to " +
                         to_string(shape));
  }
  return one_map(context, std::move(shape));
}

// C is not counted, as in the figures usually given for networks.
std::int64_t flops(const NodeContext& context) {
  return capped_product({2, output_elements(context), extents_of(context, 0, "transA").columns});
}

// Element strides of op(matrix) between rows and columns.
Shape matrix_strides(const Shape& shape, bool transposed) {
  return transposed ? Shape{1, shape[1]} : Shape{shape[1], 1};
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Shape& shape = context.outputs[0].shape;
  const Shape a = matrix_strides(context.shape(0), is_set(context, "transA"));
  const Shape b = matrix_strides(context.shape(1), is_set(context, "transB"));
  const bool has_c = context.has_input(2);
  const Shape c = has_c ? broadcast_strides(context.shape(2), shape) : Shape{0, 0};
  const std::int64_t depth = extents_of(context, 0, "transA").columns;
  const auto alpha = static_cast<double>(context.real("alpha", 1));
  const auto beta = static_cast<double>(context.real("beta", 1));
  std::vector<float> y;
  for_each_position(shape, [&](const Shape& at) {
    const float* row = inputs[0]->f32().data() + at[0] * a[0];
    const float* column = inputs[1]->f32().data() + at[1] * b[1];
    double sum = 0;
    for (std::int64_t k = 0; k < depth; ++k) {
      sum += static_cast<double>(row[k * a[1]]) * static_cast<double>(column[k * b[0]]);
    }
    const float added = has_c ? inputs[2]->f32()[static_cast<std::size_t>(offset_of(at, c))] : 0.0F;
    y.push_back(static_cast<float>(alpha * sum + beta * static_cast<double>(added)));
  });
  return {Tensor::floats(shape, std::move(y))};
}

Kernel kernel(const NodeContext& context) {
  return MatMulKernel{is_set(context, "transA"), is_set(context, "transB"),
                      context.real("alpha", 1), context.real("beta", 1)};
}

int slice_axis(const NodeContext& /*context*/) { return 1; }

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != 1 || !is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[1] = {is_set(context, "transB") ? 0 : 1, range};
  if (context.has_input(2) && !context.shape(2).empty() && context.shape(2).back() != 1) {
    slice.inputs[2] = {static_cast<int>(context.shape(2).size()) - 1, range};
  }
  return slice;
}

}  // namespace

Operator gemm() {
  return {.type = "Gemm",
          .role = LayerRole::starts,
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = slice_axis,
          .slice = slice,
          .tile = no_tile};
}

}  // namespace hyps::cnn::ops
