#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::LrnKernel& kernel) {
  const auto& shape = builder.shape(group.head.inputs[0]);
  auto x = builder.place(group.head.inputs[0]);
  auto seen = x.desc;
  if (shape.size() != 4) {  // oneDNN's fast forms know images only
    std::int64_t pixels = 1;
    for (std::size_t i = 2; i < shape.size(); ++i) pixels *= shape[i];
    x = builder.place_plain(group.head.inputs[0]);
    seen = plain_desc({shape[0], shape[1], 1, pixels});
  }
  const dnnl::lrn_forward::desc what(dnnl::prop_kind::forward_inference,
                                     dnnl::algorithm::lrn_across_channels, seen, kernel.size,
                                     kernel.alpha, kernel.beta, kernel.bias);
  const dnnl::lrn_forward::primitive_desc form(what, attributes_with({}), builder.engine(), true);
  if (!form) return false;
  const auto y = builder.define(group.outputs().front(), x.desc);
  builder.add({{dnnl::lrn_forward(form),
                {part_of(DNNL_ARG_SRC, x, 0, seen), part_of(DNNL_ARG_DST, y, 0, seen)},
                form.scratchpad_desc()}});
  return true;
}

}  // namespace hyps::engine
