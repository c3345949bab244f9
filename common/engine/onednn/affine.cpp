// A scale and a shift for each channel, perhaps with a ReLU: a BatchNormalization that no
// convolution could absorb. Done as oneDNN's batch normalisation of mean 0 and variance 1, one
// primitive for each range of channels of each image. (Its binary product with a binary addition as
// post-op would say the same, but gives wrong channels for some shapes in 2.6.3.)
#include <algorithm>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {
namespace {

using dnnl::batch_normalization_forward;

// How long an element takes, in operations of a dense convolution: it is read and written.
constexpr double kElementCost = 16;

class AffineEmitter {
 public:
  AffineEmitter(Builder& builder, const Group& group, const cnn::AffineKernel& kernel)
      : builder_(builder), group_(group), kernel_(kernel), x_(builder.place(input())) {
    // oneDNN shifts the padding channels of a blocked map too, and the next reader takes them in.
    if (!is_dense(x_.desc)) x_ = builder.place_plain(input());
  }

  bool run() {
    const auto whole = describe(x_.desc);
    if (!whole) return false;
    const auto count = kernel_.scale.size();
    scale_ = builder_.constant(kernel_.scale);
    shift_ = builder_.constant(kernel_.shift);
    mean_ = builder_.constant(std::vector<float>(count, 0));
    variance_ = builder_.constant(std::vector<float>(count, 1));
    y_ = builder_.define(group_.outputs().front(), x_.desc);
    if (!add_slices()) builder_.add({piece(whole, {0, x_.desc}, 0)});
    return true;
  }

 private:
  [[nodiscard]] const std::string& input() const { return group_.head.inputs[0]; }

  [[nodiscard]] batch_normalization_forward::primitive_desc describe(const Desc& x) const {
    using Flags = dnnl::normalization_flags;
    auto flags = Flags::use_global_stats | Flags::use_scale | Flags::use_shift;
    if (!group_.post.empty()) flags |= Flags::fuse_norm_relu;
    const batch_normalization_forward::desc what(dnnl::prop_kind::forward_inference, x, 0, flags);
    return {what, attributes_with({}), builder_.engine(), true};
  }

  [[nodiscard]] PieceDraft piece(const batch_normalization_forward::primitive_desc& form,
                                 const Slice& slice, std::int64_t begin) const {
    const auto channels = plain_desc({slice.desc.dims()[1]});
    const auto offset = static_cast<std::size_t>(begin) * sizeof(float);
    return {batch_normalization_forward(form),
            {part_of(DNNL_ARG_SRC, x_, slice.offset, slice.desc),
             {DNNL_ARG_MEAN, mean_, offset, channels},
             {DNNL_ARG_VARIANCE, variance_, offset, channels},
             {DNNL_ARG_SCALE, scale_, offset, channels},
             {DNNL_ARG_SHIFT, shift_, offset, channels},
             part_of(DNNL_ARG_DST, y_, slice.offset, slice.desc)},
            form.scratchpad_desc()};
  }

  // False, with nothing added, if the channels are not contiguous.
  bool add_slices() {
    const auto dims = x_.desc.dims();
    const auto work = kElementCost * static_cast<double>(cnn::element_count(dims) / dims[0]);
    std::vector<PieceDraft> pieces;
    for (const auto& [begin, end] : split(dims[1], channel_block(x_.desc), work)) {
      for (std::int64_t n = 0; n < dims[0]; ++n) {
        const auto slice = channel_slice(x_.desc, n, begin, end);
        if (!slice) return false;
        const auto form = describe(slice->desc);
        if (!form) return false;
        pieces.push_back(piece(form, *slice, begin));
      }
    }
    builder_.add(pieces);
    return true;
  }

  Builder& builder_;
  const Group& group_;
  const cnn::AffineKernel& kernel_;
  Place x_;
  Place y_;
  BufferId scale_ = 0;
  BufferId shift_ = 0;
  BufferId mean_ = 0;
  BufferId variance_ = 0;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::AffineKernel& kernel) {
  return AffineEmitter(builder, group, kernel).run();
}

}  // namespace hyps::engine
