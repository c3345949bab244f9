// Resampling of maps: what Resize and Upsample share. Every axis has a table of which inputs an
// output is mixed from, so the modes differ in how the tables are made only.
#pragma once

#include <vector>

#include "common/cnn/ops/support/check.hpp"

namespace hyps::cnn::ops {

enum class Resampling { nearest, linear, cubic };
enum class Coordinates {
  half_pixel,
  pytorch_half_pixel,
  half_pixel_symmetric,
  align_corners,
  asymmetric,
  tf_half_pixel_for_nn,
  tf_crop_and_resize
};
enum class Nearest { round_prefer_floor, round_prefer_ceil, floor, ceil };

struct ResizeAxis {
  std::int64_t input = 1;
  std::int64_t output = 1;
  double scale = 1;
  double crop_begin = 0;  // tf_crop_and_resize: of the input, as a part of it
  double crop_end = 1;
};

struct ResizePlan {
  Resampling mode = Resampling::nearest;
  Coordinates coordinates = Coordinates::half_pixel;
  Nearest nearest = Nearest::round_prefer_floor;
  double cubic_a = -0.75;
  bool exclude_outside = false;
  float extrapolation = 0;
  std::vector<ResizeAxis> axes;  // of the input
};

// Whether every output along the axis is the input at the same place.
bool leaves_alone(const ResizePlan& plan, const ResizeAxis& axis);

Tensor resize(const Tensor& x, const ResizePlan& plan);

std::int64_t resize_flops(const NodeContext& context, const ResizePlan& plan);

}  // namespace hyps::cnn::ops
