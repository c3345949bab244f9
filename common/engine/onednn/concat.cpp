// Concatenation. Along the channels of one image it copies only those inputs that were not written
// straight into the memory of the result (joins.hpp).
#include <algorithm>
#include <optional>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {
namespace {

class ConcatEmitter {
 public:
  ConcatEmitter(Builder& builder, const Group& group, const cnn::ConcatKernel& kernel)
      : builder_(builder), axis_(kernel.axis), output_(group.outputs().front()) {
    for (const auto& input : group.head.inputs) parts_.push_back(builder.place(input));
  }

  void run() {
    if (axis_ == 1 && (lie_side_by_side() || fill_whole())) return;
    copy_all();
  }

 private:
  static bool same(const Place& a, const Place& b) {
    return a.buffer == b.buffer && a.offset == b.offset && a.desc == b.desc;
  }

  // Where each part would be in `whole`; empty if one of them is not contiguous there.
  [[nodiscard]] std::vector<Place> slots_in(const Place& whole) const {
    std::vector<Place> slots;
    std::int64_t begin = 0;
    for (const auto& part : parts_) {
      const auto end = begin + part.desc.dims()[1];
      const auto slice = channel_slice(whole.desc, 0, begin, end);
      if (!slice) return {};
      slots.push_back({whole.buffer, slice->desc, whole.offset + slice->offset});
      begin = end;
    }
    return slots;
  }

  // True, with nothing to do, if the parts make up the result where they are.
  bool lie_side_by_side() {
    if (parts_.size() < 2) return false;  // a second name of what may be overwritten
    const auto& shape = builder_.shape(output_);
    const auto layout = with_channels(parts_.front().desc, shape[1]);
    if (!layout) return false;
    const Place whole{parts_.front().buffer, *layout, parts_.front().offset};
    const auto slots = slots_in(whole);
    if (!std::ranges::equal(slots, parts_, same)) return false;
    builder_.define_at(output_, whole);
    return true;
  }

  // Copies the parts that are elsewhere, if some are in the result's memory already.
  bool fill_whole() {
    if (!builder_.is_defined(output_)) return false;
    const auto slots = slots_in(builder_.place(output_));
    if (slots.empty()) return false;
    std::vector<PieceDraft> copies;
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (!same(parts_[i], slots[i])) copies.push_back(builder_.reorder(parts_[i], slots[i]));
    }
    if (!copies.empty()) builder_.add(copies);
    return true;
  }

  void copy_all() {
    std::vector<Desc> descs;
    for (const auto& part : parts_) descs.push_back(part.desc);
    const dnnl::concat::primitive_desc form(static_cast<int>(axis_), descs, builder_.engine(),
                                            attributes_with({}));
    const auto y = builder_.define(output_, form.dst_desc());
    PieceDraft piece{dnnl::concat(form), {}, form.scratchpad_desc()};
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      piece.operands.push_back(whole_of(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), parts_[i]));
    }
    piece.operands.push_back(whole_of(DNNL_ARG_DST, y));
    builder_.add({piece});
  }

  Builder& builder_;
  const std::int64_t axis_;
  const std::string& output_;
  std::vector<Place> parts_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::ConcatKernel& kernel) {
  const auto is_floats = [&](const std::string& input) { return builder.is_floats(input); };
  if (!std::ranges::all_of(group.head.inputs, is_floats)) return false;
  ConcatEmitter(builder, group, kernel).run();
  return true;
}

}  // namespace hyps::engine
