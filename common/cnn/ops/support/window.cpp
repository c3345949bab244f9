#include "common/cnn/ops/support/window.hpp"

#include <algorithm>

namespace hyps::cnn::ops {

namespace {

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

Result<AutoPad> auto_pad_of(const NodeContext& context) {
  const std::string text = context.text("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) return AutoPad::none;
  if (text == "SAME_UPPER") return AutoPad::upper;
  if (text == "SAME_LOWER") return AutoPad::lower;
  if (text == "VALID") return AutoPad::valid;
  return context.error("auto_pad '" + text +
                       "' is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID");
}

Status check_window_list(const NodeContext& context, const char* name,
                         const std::vector<std::int64_t>& list, std::size_t count,
                         std::int64_t low) {
  if (list.size() != count) {
    return context.error(std::string(name) + " has " + std::to_string(list.size()) +
                         " numbers, the input needs " + std::to_string(count));
  }
  for (const std::int64_t number : list) {
    if (number < low || number > kMaxWindow) {
      return context.error(std::string(name) + " holds " + std::to_string(number) +
                           ", allowed are " + std::to_string(low) + " to " +
                           std::to_string(kMaxWindow));
    }
  }
  return {};
}

namespace {

void pad_to_same(WindowAxis& axis, AutoPad mode) {
  axis.output = divide_up(axis.input, axis.stride);
  const std::int64_t total =
      std::max<std::int64_t>((axis.output - 1) * axis.stride + axis.extent() - axis.input, 0);
  const std::int64_t smaller = total / 2;
  axis.pad_begin = mode == AutoPad::upper ? smaller : total - smaller;
  axis.pad_end = total - axis.pad_begin;
}

Status place_explicit(const NodeContext& context, WindowAxis& axis, bool ceil_mode) {
  const std::int64_t padded = axis.input + axis.pad_begin + axis.pad_end;
  const std::int64_t slack = padded - axis.extent();
  if (slack < 0) {
    return context.error("its window of " + std::to_string(axis.extent()) +
                         " is larger than the padded input of " + std::to_string(padded));
  }
  axis.output = (ceil_mode ? divide_up(slack, axis.stride) : slack / axis.stride) + 1;
  // A window that ceil_mode adds must begin on the input or the padding before it.
  const bool begins_behind = (axis.output - 1) * axis.stride >= axis.input + axis.pad_begin;
  if (ceil_mode && begins_behind) --axis.output;
  return {};
}

// A window wholly in the padding has no maximum and no average.
Status check_pooling(const NodeContext& context, const WindowAxis& axis) {
  if (axis.pad_begin >= axis.extent() || axis.pad_end >= axis.extent()) {
    return context.error("pads must be smaller than the window of " +
                         std::to_string(axis.extent()));
  }
  if (axis.pad_begin > 0 && axis.dilation > axis.input) {
    return context.error("dilation " + std::to_string(axis.dilation) + " steps over the input of " +
                         std::to_string(axis.input));
  }
  return {};
}

Status place(const NodeContext& context, WindowAxis& axis, AutoPad mode, bool ceil_mode) {
  if (mode == AutoPad::upper || mode == AutoPad::lower) {
    pad_to_same(axis, mode);
    return {};
  }
  return place_explicit(context, axis, ceil_mode && mode == AutoPad::none);
}

Result<WindowAxes> read_axes(const NodeContext& context, const std::vector<std::int64_t>& kernel,
                             bool padded) {
  const Shape& shape = context.shape(0);
  const std::size_t count = shape.size() - 2;
  const auto strides = context.integers("strides", std::vector<std::int64_t>(count, 1));
  const auto dilations = context.integers("dilations", std::vector<std::int64_t>(count, 1));
  const auto pads = context.integers("pads", std::vector<std::int64_t>(2 * count, 0));
  HYPS_CHECK(check_window_list(context, "kernel_shape", kernel, count, 1));
  HYPS_CHECK(check_window_list(context, "strides", strides, count, 1));
  HYPS_CHECK(check_window_list(context, "dilations", dilations, count, 1));
  if (padded) HYPS_CHECK(check_window_list(context, "pads", pads, 2 * count, 0));
  WindowAxes axes(count);
  for (std::size_t i = 0; i < count; ++i) {
    axes[i] = {shape[i + 2], 1, kernel[i], strides[i], dilations[i], 0, 0};
    if (padded) {
      axes[i].pad_begin = pads[i];
      axes[i].pad_end = pads[i + count];
    }
  }
  return axes;
}

}  // namespace

Taps taps_of(const WindowAxis& axis, std::int64_t output) {
  Taps taps;
  taps.start = output * axis.stride - axis.pad_begin;
  if (taps.start < 0) taps.begin = std::min(axis.kernel, divide_up(-taps.start, axis.dilation));
  const std::int64_t room = axis.input - 1 - taps.start;
  taps.end = room < 0 ? 0 : std::min(axis.kernel, room / axis.dilation + 1);
  taps.end = std::max(taps.begin, taps.end);
  return taps;
}

Result<WindowAxes> window_axes(const NodeContext& context, const std::vector<std::int64_t>& kernel,
                               bool pooling) {
  HYPS_TRY(const AutoPad mode, auto_pad_of(context));
  HYPS_TRY(WindowAxes axes, read_axes(context, kernel, mode == AutoPad::none));
  const bool ceil_mode = pooling && context.integer("ceil_mode", 0) != 0;
  for (WindowAxis& axis : axes) {
    HYPS_CHECK(place(context, axis, mode, ceil_mode));
    if (pooling) HYPS_CHECK(check_pooling(context, axis));
  }
  return axes;
}

WindowVolume volume_of(const WindowAxes& axes) {
  WindowVolume volume;
  std::copy(axes.rbegin(), axes.rend(), volume.rbegin());
  return volume;
}

Shape window_output(const NodeContext& context, std::int64_t channels, const WindowAxes& axes) {
  Shape shape{context.shape(0)[0], channels};
  for (const WindowAxis& axis : axes) shape.push_back(axis.output);
  return shape;
}

Window kernel_window(const WindowAxes& axes) {
  Window window;
  for (const WindowAxis& axis : axes) {
    const std::int64_t used =
        (axis.output - 1) * axis.stride + axis.extent() - axis.input - axis.pad_begin;
    window.kernel.push_back(axis.kernel);
    window.strides.push_back(axis.stride);
    window.dilations.push_back(axis.dilation);
    window.pads_begin.push_back(axis.pad_begin);
    window.pads_end.push_back(std::max(axis.pad_end, used));
  }
  return window;
}

}  // namespace hyps::cnn::ops
