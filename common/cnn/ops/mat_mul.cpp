// MatMul: numpy's matmul. Leading axes are batches and broadcast; a vector on the left is a row, on
// the right a column, and that axis is dropped from the output.
#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

Shape as_rows(const Shape& shape) { return shape.size() == 1 ? Shape{1, shape[0]} : shape; }
Shape as_columns(const Shape& shape) { return shape.size() == 1 ? Shape{shape[0], 1} : shape; }
Shape batch_of(const Shape& matrix) { return {matrix.begin(), matrix.end() - 2}; }

// Left, right and output as matrices: both operands of rank two or more.
struct Product {
  Shape a;
  Shape b;
  Shape batch;
  std::int64_t rows = 0;
  std::int64_t depth = 0;
  std::int64_t columns = 0;
};

Result<Product> product_of(const NodeContext& context) {
  const Shape a = as_rows(context.shape(0));
  const Shape b = as_columns(context.shape(1));
  const std::int64_t depth = a.back();
  if (depth != b[b.size() - 2]) {
    return context.error("input has " + std::to_string(depth) + " features, weights expect " +
                         std::to_string(b[b.size() - 2]));
  }
  const auto batch = broadcast(batch_of(a), batch_of(b));
  if (!batch) {
    return context.error("batches of " + to_string(context.shape(0)) + " and " +
                         to_string(context.shape(1)) + " do not broadcast");
  }
  return Product{a, b, *batch, a[a.size() - 2], depth, b.back()};
}

Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  HYPS_CHECK(check_floats(context));
  HYPS_CHECK(check_rank(context, 0, 1, kMaxRank));
  HYPS_CHECK(check_rank(context, 1, 1, kMaxRank));
  HYPS_TRY(const Product product, product_of(context));
  Shape shape = product.batch;
  if (context.shape(0).size() > 1) shape.push_back(product.rows);
  if (context.shape(1).size() > 1) shape.push_back(product.columns);
  return one_map(context, std::move(shape));
}

std::int64_t flops(const NodeContext& context) {
  return capped_product({2, output_elements(context), context.shape(0).back()});
}

void multiply(const Product& p, const float* a, const float* b, std::vector<float>& y) {
  for (std::int64_t row = 0; row < p.rows; ++row) {
    for (std::int64_t column = 0; column < p.columns; ++column) {
      double sum = 0;
      for (std::int64_t k = 0; k < p.depth; ++k) {
        sum += static_cast<double>(a[row * p.depth + k]) *
               static_cast<double>(b[k * p.columns + column]);
      }
      y.push_back(static_cast<float>(sum));
    }
  }
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Product p = product_of(context).value();
  const Shape a = broadcast_strides(batch_of(p.a), p.batch);
  const Shape b = broadcast_strides(batch_of(p.b), p.batch);
  std::vector<float> y;
  for_each_position(p.batch, [&](const Shape& at) {
    multiply(p, inputs[0]->f32().data() + offset_of(at, a) * p.rows * p.depth,
             inputs[1]->f32().data() + offset_of(at, b) * p.depth * p.columns, y);
  });
  return {Tensor::floats(context.outputs[0].shape, std::move(y))};
}

Kernel kernel(const NodeContext& context) {
  if (context.shape(0).size() < 2 || context.shape(1).size() < 2) return ReferenceKernel{};
  return MatMulKernel{};
}

// Only columns of constant weights are worth distributing.
int slice_axis(const NodeContext& context) {
  if (context.constants[1] == nullptr || context.shape(1).size() < 2) return -1;
  return static_cast<int>(context.outputs.at(0).shape.size()) - 1;
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  if (axis != slice_axis(context) || !is_part_of_output(context, axis, range)) return std::nullopt;
  NodeSlice slice = whole_inputs(context);
  slice.inputs[1] = {static_cast<int>(context.shape(1).size()) - 1, range};
  return slice;
}

}  // namespace

Operator mat_mul() {
  return {.type = "MatMul",
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
