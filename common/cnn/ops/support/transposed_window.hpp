// The arithmetic of ConvTranspose's window: it slides over the output, one place for each input
// element.
#pragma once

#include "common/cnn/ops/support/window.hpp"

namespace hyps::cnn::ops {

struct TransposedAxes {
  WindowAxes axes;    // as of the convolution whose gradient this is: `input` and `output` are
                      // swapped against it, so that `output` counts what this operator gives
  bool plain = true;  // plain floor division gives `input` back: engines know no other kind
};

// From the attributes strides, dilations, pads, auto_pad, output_padding and output_shape.
// REQUIRES: the rank of input 0 is at least 3, `kernel` has one extent for each spatial axis.
Result<TransposedAxes> transposed_axes(const NodeContext& context,
                                       const std::vector<std::int64_t>& kernel);

}  // namespace hyps::cnn::ops
