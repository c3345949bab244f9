// x where positive, else a slope times it: one slope in all, for each channel or each element.
#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::PReluKernel& /*kernel*/) {
  const auto& inputs = group.head.inputs;
  const auto shape = builder.shape(inputs[0]);
  auto slope_shape = builder.shape(inputs[1]);
  if (shape.empty()) return false;
  slope_shape.insert(slope_shape.begin(), shape.size() - slope_shape.size(), 1);
  const auto seen = plain_desc(shape);
  const auto slopes = plain_desc(slope_shape);
  const dnnl::prelu_forward::desc what(dnnl::prop_kind::forward_inference, seen, slopes);
  const dnnl::prelu_forward::primitive_desc form(what, attributes_with({}), builder.engine(), true);
  if (!form || is_scalar_form(form.impl_info_str())) return false;
  const auto x = builder.place_plain(inputs[0]);
  const auto slope = builder.place_plain(inputs[1]);
  const auto y = builder.define(group.outputs().front(), seen);
  builder.add({{dnnl::prelu_forward(form),
                {part_of(DNNL_ARG_SRC, x, 0, seen), part_of(DNNL_ARG_WEIGHTS, slope, 0, slopes),
                 part_of(DNNL_ARG_DST, y, 0, seen)},
                form.scratchpad_desc()}});
  return true;
}

}  // namespace hyps::engine
