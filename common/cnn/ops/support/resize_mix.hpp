// Which inputs of an axis each output is mixed from, and with which weights.
#pragma once

#include <array>

#include "common/cnn/ops/support/resize.hpp"

namespace hyps::cnn::ops {

// What one output of one axis is mixed from.
struct Mix {
  std::array<std::int64_t, 4> from{};
  std::array<double, 4> weights{};
  std::size_t count = 1;
  bool outside = false;  // of what tf_crop_and_resize may look at

  bool operator==(const Mix&) const = default;
};

Mix mix_of(const ResizePlan& plan, const ResizeAxis& axis, std::int64_t output);

}  // namespace hyps::cnn::ops
