#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/elementwise.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {
namespace {

PieceDraft piece(Builder& builder, const cnn::UnaryKernel& kernel, const Place& x, const Place& y,
                 const Desc& desc, std::size_t offset) {
  const auto [algorithm, alpha, beta] = eltwise_of(kernel);
  const dnnl::eltwise_forward::desc what(dnnl::prop_kind::forward_inference, algorithm, desc, alpha,
                                         beta);
  const dnnl::eltwise_forward::primitive_desc form(what, attributes_with({}), builder.engine());
  return {dnnl::eltwise_forward(form),
          {part_of(DNNL_ARG_SRC, x, offset, desc), part_of(DNNL_ARG_DST, y, offset, desc)},
          form.scratchpad_desc()};
}

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::UnaryKernel& kernel) {
  auto x = builder.place(group.head.inputs[0]);
  if (!is_dense(x.desc) && !keeps_zero(kernel)) x = builder.place_plain(group.head.inputs[0]);
  const auto y = builder.define(group.outputs().front(), x.desc);
  if (!is_dense(x.desc)) {
    builder.add({piece(builder, kernel, x, y, x.desc, 0)});
    return true;
  }
  add_flat(builder, cnn::element_count(x.desc.dims()), [&](const Desc& desc, std::size_t offset) {
    return piece(builder, kernel, x, y, desc, offset);
  });
  return true;
}

}  // namespace hyps::engine
