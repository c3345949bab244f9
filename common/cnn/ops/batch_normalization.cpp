// BatchNormalization at inference: (x - mean) / sqrt(variance + epsilon) * scale + shift for each
// channel. `spatial` existed before opset 9, `training_mode` since 14; the training forms are
// refused.
#include <cmath>

#include "common/cnn/limits.hpp"
#include "common/cnn/ops/support/elementwise.hpp"
#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

constexpr std::array<const char*, 5> kInputs{"input", "scale", "bias", "mean", "variance"};

Values infer(const NodeContext& context) {
  using enum AttributeKind;
  HYPS_CHECK(check_node(
      context, {5, 5},
      {{"epsilon", real}, {"momentum", real}, {"spatial", integer}, {"training_mode", integer}}));
  if (context.integer("training_mode", 0) != 0) {
    return unsupported(context, "training_mode is not supported; export the model for inference");
  }
  if (context.integer("spatial", 1) != 1) {
    return unsupported(context, "spatial 0 (statistics for each pixel) is not supported");
  }
  HYPS_CHECK(check_rank(context, 0, 2, kMaxRank));
  for (std::size_t i = 1; i < kInputs.size(); ++i) {
    HYPS_CHECK(check_shape(context, i, kInputs[i], {context.shape(0)[1]}));
  }
  return like_first_input(context);
}

struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

Affine affine_of(const NodeContext& context, const std::vector<const Tensor*>& operands) {
  const auto epsilon = static_cast<double>(context.real("epsilon", 1e-5F));
  const auto at = [&](std::size_t input, std::size_t channel) {
    return static_cast<double>(operands[input]->f32()[channel]);
  };
  Affine affine;
  for (std::size_t c = 0; c < operands[1]->f32().size(); ++c) {
    const double scale = at(1, c) / std::sqrt(at(4, c) + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(at(2, c) - at(3, c) * scale);
  }
  return affine;
}

std::vector<Tensor> reference(const NodeContext& context,
                              const std::vector<const Tensor*>& inputs) {
  const Affine affine = affine_of(context, inputs);
  const Shape& shape = context.shape(0);
  const auto plane = static_cast<std::size_t>(extent_product(shape, 2, shape.size()));
  const auto x = inputs[0]->f32();
  std::vector<float> y;
  y.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t channel = i / plane % affine.scale.size();
    y.push_back(static_cast<float>(affine.scale[channel] * static_cast<double>(x[i]) +
                                   affine.shift[channel]));
  }
  return {Tensor::floats(shape, std::move(y))};
}

std::int64_t flops(const NodeContext& context) {
  return capped_product({2, output_elements(context)});
}

Kernel kernel(const NodeContext& context) {
  for (std::size_t i = 1; i < kInputs.size(); ++i) {
    if (context.constants[i] == nullptr) return ReferenceKernel{};
  }
  const Affine affine = affine_of(context, context.constants);
  AffineKernel kernel;
  for (std::size_t c = 0; c < affine.scale.size(); ++c) {
    kernel.scale.push_back(static_cast<float>(affine.scale[c]));
    kernel.shift.push_back(static_cast<float>(affine.shift[c]));
  }
  return kernel;
}

std::optional<NodeSlice> slice(const NodeContext& context, int axis, Range range) {
  auto slice = slice_first_input(context, axis, range);
  if (!slice || axis != 1) return slice;
  for (std::size_t i = 1; i < kInputs.size(); ++i) slice->inputs[i] = {0, range};
  return slice;
}

}  // namespace

Operator batch_normalization() {
  return {.type = "BatchNormalization",
          .infer = infer,
          .flops = flops,
          .reference = reference,
          .kernel = kernel,
          .slice_axis = no_slice_axis,
          .slice = slice,
          .tile = tile_first_input};
}

}  // namespace hyps::cnn::ops
