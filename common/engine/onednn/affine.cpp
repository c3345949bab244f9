// A scale and a shift for each channel: a BatchNormalization that no convolution could absorb. Done
// as oneDNN's batch normalisation of mean 0 and variance 1. (Its binary product with a binary
// addition as post-op would say the same, but gives wrong channels for some shapes in 2.6.3.)
#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::AffineKernel& kernel) {
  using Flags = dnnl::normalization_flags;
  auto x = builder.place(group.head.inputs[0]);
  // oneDNN shifts the padding channels of a blocked map too, and the next reader takes them in.
  if (!is_dense(x.desc)) x = builder.place_plain(group.head.inputs[0]);
  const auto flags = Flags::use_global_stats | Flags::use_scale | Flags::use_shift;
  const dnnl::batch_normalization_forward::desc what(dnnl::prop_kind::forward_inference, x.desc, 0,
                                                     flags);
  const dnnl::batch_normalization_forward::primitive_desc form(what, attributes_with({}),
                                                               builder.engine(), true);
  if (!form) return false;

  const auto channels = plain_desc({x.desc.dims()[1]});
  const auto count = kernel.scale.size();
  const auto scale = builder.constant(kernel.scale);
  const auto shift = builder.constant(kernel.shift);
  const auto mean = builder.constant(std::vector<float>(count, 0));
  const auto variance = builder.constant(std::vector<float>(count, 1));
  const auto y = builder.define(group.outputs().front(), x.desc);
  builder.add({{dnnl::batch_normalization_forward(form),
                {{DNNL_ARG_SRC, x.buffer, 0, x.desc},
                 {DNNL_ARG_MEAN, mean, 0, channels},
                 {DNNL_ARG_VARIANCE, variance, 0, channels},
                 {DNNL_ARG_SCALE, scale, 0, channels},
                 {DNNL_ARG_SHIFT, shift, 0, channels},
                 {DNNL_ARG_DST, y.buffer, 0, y.desc}},
                form.scratchpad_desc()}});
  return true;
}

}  // namespace hyps::engine
