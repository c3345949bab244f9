// The arithmetic of sliding windows (Conv and pooling), with the pads that auto_pad and ceil_mode
// stand for worked out.
#pragma once

#include <array>
#include <limits>
#include <vector>

#include "common/cnn/ops/support/check.hpp"

namespace hyps::cnn::ops {

// The largest number in a list of a window: keeps every sum and product below 2^63.
inline constexpr std::int64_t kMaxWindow = std::numeric_limits<std::int32_t>::max();

struct WindowAxis {
  std::int64_t input = 1;
  std::int64_t output = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;

  [[nodiscard]] std::int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

// The taps [begin, end) of one window that fall on real input; tap k reads start + k * dilation.
struct Taps {
  std::int64_t start = 0;
  std::int64_t begin = 0;
  std::int64_t end = 1;
};
Taps taps_of(const WindowAxis& axis, std::int64_t output);

using WindowAxes = std::vector<WindowAxis>;      // one for each spatial axis of the input
using WindowVolume = std::array<WindowAxis, 3>;  // axes of extent one in front
using TapVolume = std::array<Taps, 3>;

enum class AutoPad { none, upper, lower, valid };
Result<AutoPad> auto_pad_of(const NodeContext& context);
// An attribute list of `count` numbers, each from `low` to kMaxWindow.
Status check_window_list(const NodeContext& context, const char* name,
                         const std::vector<std::int64_t>& list, std::size_t count,
                         std::int64_t low);

// The window of input 0 ([N, C, ...]) from the attributes strides, dilations, pads, auto_pad and,
// if `pooling`, ceil_mode. A pooling window must touch real input wherever it stands.
// REQUIRES: the rank of input 0 is at least 3.
Result<WindowAxes> window_axes(const NodeContext& context, const std::vector<std::int64_t>& kernel,
                               bool pooling);

WindowVolume volume_of(const WindowAxes& axes);
Shape window_output(const NodeContext& context, std::int64_t channels, const WindowAxes& axes);
// Pads are enlarged so that plain floor division gives the output that ceil_mode gave.
Window kernel_window(const WindowAxes& axes);

// visit(taps), for every output position of one plane in row-major order.
template <typename Visit>
void for_each_window(const WindowVolume& axes, Visit visit) {
  for (std::int64_t z = 0; z < axes[0].output; ++z) {
    const Taps depth = taps_of(axes[0], z);
    for (std::int64_t y = 0; y < axes[1].output; ++y) {
      const Taps rows = taps_of(axes[1], y);
      for (std::int64_t x = 0; x < axes[2].output; ++x) {
        visit(TapVolume{depth, rows, taps_of(axes[2], x)});
      }
    }
  }
}

// visit(offset into the input plane, offset into the kernel), for every tap on real input.
template <typename Visit>
void for_each_tap(const WindowVolume& axes, const TapVolume& taps, Visit visit) {
  for (std::int64_t z = taps[0].begin; z < taps[0].end; ++z) {
    const std::int64_t input_z = taps[0].start + z * axes[0].dilation;
    for (std::int64_t y = taps[1].begin; y < taps[1].end; ++y) {
      const std::int64_t input_y = taps[1].start + y * axes[1].dilation;
      const std::int64_t input_row = (input_z * axes[1].input + input_y) * axes[2].input;
      const std::int64_t kernel_row = (z * axes[1].kernel + y) * axes[2].kernel;
      for (std::int64_t x = taps[2].begin; x < taps[2].end; ++x) {
        visit(input_row + taps[2].start + x * axes[2].dilation, kernel_row + x);
      }
    }
  }
}

}  // namespace hyps::cnn::ops
