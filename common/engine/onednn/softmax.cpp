#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::SoftmaxKernel& kernel) {
  const auto seen = plain_desc({kernel.outer, kernel.length, kernel.inner});
  const dnnl::softmax_forward::desc what(dnnl::prop_kind::forward_inference, seen, 1);
  const dnnl::softmax_forward::primitive_desc form(what, attributes_with({}), builder.engine(),
                                                   true);
  if (!form) return false;
  const auto& output = group.outputs().front();
  const auto x = builder.place_plain(group.head.inputs[0]);
  const auto y = builder.define(output, plain_desc(builder.shape(output)));
  builder.add({{dnnl::softmax_forward(form),
                {part_of(DNNL_ARG_SRC, x, 0, seen), part_of(DNNL_ARG_DST, y, 0, seen)},
                form.scratchpad_desc()}});
  return true;
}

}  // namespace hyps::engine
