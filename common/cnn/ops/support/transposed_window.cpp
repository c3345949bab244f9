#include "common/cnn/ops/support/transposed_window.hpp"

#include <algorithm>

#include "common/cnn/limits.hpp"

namespace hyps::cnn::ops {

namespace {

// What the pads of one axis follow from.
struct Wanted {
  std::int64_t unpadded = 0;  // the output without pads, output_padding included
  std::int64_t output = -1;   // asked for; -1: what the pads leave
};

// One more goes to the end (upper) or to the beginning.
void share_pads(WindowAxis& axis, std::int64_t total, AutoPad mode) {
  const std::int64_t smaller = total / 2;
  axis.pad_begin = mode == AutoPad::upper ? smaller : total - smaller;
  axis.pad_end = total - axis.pad_begin;
}

// An output larger than the windows reach has nothing but the bias there.
Status place(const NodeContext& context, WindowAxis& axis, const Wanted& wanted, AutoPad mode) {
  if (wanted.output >= 0) {
    axis.output = wanted.output;
    share_pads(axis, std::max<std::int64_t>(wanted.unpadded - wanted.output, 0), mode);
    return {};
  }
  axis.output = wanted.unpadded - axis.pad_begin - axis.pad_end;
  if (axis.output >= 1) return {};
  return context.error("its pads leave nothing of an output of " + std::to_string(wanted.unpadded));
}

Wanted wanted_of(const WindowAxis& axis, std::int64_t padding, AutoPad mode) {
  Wanted wanted;
  const std::int64_t reach =
      capped_product({axis.stride, std::max<std::int64_t>(axis.input, 1) - 1});
  wanted.unpadded = capped_sum(capped_sum(reach, axis.extent()), padding);
  if (mode == AutoPad::upper || mode == AutoPad::lower) {
    wanted.output = capped_product({axis.input, axis.stride});
  }
  return wanted;
}

}  // namespace

Result<TransposedAxes> transposed_axes(const NodeContext& context,
                                       const std::vector<std::int64_t>& kernel) {
  const Shape& shape = context.shape(0);
  const std::size_t count = shape.size() - 2;
  const Shape ones(count, 1);
  const Shape zeros(2 * count, 0);
  const auto strides = context.integers("strides", ones);
  const auto dilations = context.integers("dilations", ones);
  const auto pads = context.integers("pads", zeros);
  const auto padding = context.integers("output_padding", Shape(count, 0));
  const auto output_shape = context.integers("output_shape", {});
  HYPS_TRY(const AutoPad mode, auto_pad_of(context));
  HYPS_CHECK(check_window_list(context, "kernel_shape", kernel, count, 1));
  HYPS_CHECK(check_window_list(context, "strides", strides, count, 1));
  HYPS_CHECK(check_window_list(context, "dilations", dilations, count, 1));
  HYPS_CHECK(check_window_list(context, "pads", pads, 2 * count, 0));
  HYPS_CHECK(check_window_list(context, "output_padding", padding, count, 0));
  if (!output_shape.empty()) {
    HYPS_CHECK(check_window_list(context, "output_shape", output_shape, count, 1));
  }
  TransposedAxes result;
  for (std::size_t i = 0; i < count; ++i) {
    WindowAxis axis{shape[i + 2], 1, kernel[i], strides[i], dilations[i], 0, 0};
    if (mode == AutoPad::none) {
      axis.pad_begin = pads[i];
      axis.pad_end = pads[i + count];
    }
    Wanted wanted = wanted_of(axis, padding[i], mode);
    if (!output_shape.empty()) wanted.output = output_shape[i];
    HYPS_CHECK(place(context, axis, wanted, mode));
    const std::int64_t slack = axis.output - axis.extent() + axis.pad_begin + axis.pad_end;
    result.plain = result.plain && slack >= 0 && slack / axis.stride + 1 == axis.input;
    result.axes.push_back(axis);
  }
  return result;
}

}  // namespace hyps::cnn::ops
