// Pooling: one primitive for each range of channels of each image.
#include <algorithm>
#include <map>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {
namespace {

using dnnl::pooling_v2_forward;

// How long one value of one window takes, in operations of a dense convolution.
constexpr double kTapCost = 32;

dnnl::algorithm algorithm_of(cnn::PoolKernel::Kind kind) {
  switch (kind) {
    case cnn::PoolKernel::Kind::max:
      return dnnl::algorithm::pooling_max;
    case cnn::PoolKernel::Kind::average_with_pads:
      return dnnl::algorithm::pooling_avg_include_padding;
    case cnn::PoolKernel::Kind::average_without_pads:
      return dnnl::algorithm::pooling_avg_exclude_padding;
  }
  return dnnl::algorithm::pooling_max;
}

class PoolEmitter {
 public:
  PoolEmitter(Builder& builder, const Group& group, const cnn::PoolKernel& kernel)
      : builder_(builder),
        kernel_(kernel),
        x_shape_(builder.shape(group.head.inputs[0])),
        y_shape_(builder.shape(group.head.outputs[0])),
        x_(builder.place(group.head.inputs[0])),
        output_(group.outputs().front()) {}

  bool run() {
    const auto whole = describe(x_.desc, any_desc(y_shape_));
    if (!whole) return false;
    y_ = builder_.define(output_, whole.dst_desc());
    if (!add_slices()) builder_.add({piece(whole, {0, x_.desc}, {0, y_.desc})});
    return true;
  }

 private:
  [[nodiscard]] pooling_v2_forward::primitive_desc describe(const Desc& x, const Desc& y) const {
    const auto& window = kernel_.window;
    auto dilations = window.dilations;
    auto pads_end = window.pads_end;
    for (std::size_t i = 0; i < dilations.size(); ++i) {
      const auto extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
      const auto used = (y_shape_[i + 2] - 1) * window.strides[i] + extent - x_shape_[i + 2] -
                        window.pads_begin[i];
      pads_end[i] = std::max<std::int64_t>(used, 0);  // oneDNN refuses pads wider than the window
      --dilations[i];                                 // and counts dilations from 0
    }
    const pooling_v2_forward::desc desc(dnnl::prop_kind::forward_inference,
                                        algorithm_of(kernel_.kind), x, y, window.strides,
                                        window.kernel, dilations, window.pads_begin, pads_end);
    return {desc, attributes_with({}), builder_.engine(), true};
  }

  [[nodiscard]] PieceDraft piece(const pooling_v2_forward::primitive_desc& form, const Slice& from,
                                 const Slice& to) const {
    return {pooling_v2_forward(form),
            {part_of(DNNL_ARG_SRC, x_, from.offset, from.desc),
             part_of(DNNL_ARG_DST, y_, to.offset, to.desc)},
            form.scratchpad_desc()};
  }

  // False, with nothing added, if the channels are not contiguous.
  bool add_slices() {
    double taps = 1;
    for (const auto extent : kernel_.window.kernel) taps *= static_cast<double>(extent);
    const auto unit = std::max(channel_block(x_.desc), channel_block(y_.desc));
    const auto work = taps * static_cast<double>(cnn::element_count(y_shape_) / y_shape_[0]);
    std::vector<PieceDraft> pieces;
    for (const auto& [begin, end] : split(x_shape_[1], unit, kTapCost * work)) {
      for (std::int64_t n = 0; n < x_shape_[0]; ++n) {
        const auto from = channel_slice(x_.desc, n, begin, end);
        const auto to = channel_slice(y_.desc, n, begin, end);
        if (!from || !to) return false;
        const auto form = describe(from->desc, to->desc);
        if (!form) return false;
        pieces.push_back(piece(form, *from, *to));
      }
    }
    builder_.add(pieces);
    return true;
  }

  Builder& builder_;
  const cnn::PoolKernel& kernel_;
  const cnn::Shape x_shape_;
  const cnn::Shape y_shape_;
  const Place x_;
  const std::string& output_;
  Place y_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::PoolKernel& kernel) {
  return PoolEmitter(builder, group, kernel).run();
}

}  // namespace hyps::engine
