#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::ConcatKernel& kernel) {
  std::vector<Place> parts;
  std::vector<Desc> descs;
  for (const auto& input : group.head.inputs) {
    if (!builder.is_floats(input)) return false;
    parts.push_back(builder.place(input));
    descs.push_back(parts.back().desc);
  }
  const dnnl::concat::primitive_desc form(static_cast<int>(kernel.axis), descs, builder.engine(),
                                          attributes_with({}));
  const auto y = builder.define(group.outputs().front(), form.dst_desc());
  PieceDraft piece{dnnl::concat(form), {}, form.scratchpad_desc()};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    piece.operands.push_back(
        {DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), parts[i].buffer, 0, parts[i].desc});
  }
  piece.operands.push_back({DNNL_ARG_DST, y.buffer, 0, y.desc});
  builder.add({piece});
  return true;
}

}  // namespace hyps::engine
