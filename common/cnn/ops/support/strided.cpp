#include "common/cnn/ops/support/strided.hpp"

#include <vector>

namespace hyps::cnn::ops {

namespace {

template <typename Element>
Blob copy_rows(const Tensor& x, const Shape& walk, const Shape& strides, std::int64_t start) {
  const auto from = x.values<Element>();
  std::vector<Element> to;
  to.reserve(static_cast<std::size_t>(element_count(walk)));
  const std::int64_t length = walk.empty() ? 1 : walk.back();
  const std::int64_t step = strides.empty() ? 0 : strides.back();
  Shape outer = walk;
  if (!outer.empty()) outer.pop_back();
  if (length == 0) outer = {0};  // however many empty rows there are
  for_each_position(outer, [&](const Shape& position) {
    std::int64_t at = start + offset_of(position, strides);
    for (std::int64_t i = 0; i < length; ++i, at += step) {
      to.push_back(from[static_cast<std::size_t>(at)]);
    }
  });
  return Blob::of(std::move(to));
}

}  // namespace

Tensor strided(const Tensor& x, const Shape& shape, const Shape& walk, const Shape& strides,
               std::int64_t start) {
  switch (size_of(x.type)) {
    case 8:
      return {x.type, shape, copy_rows<std::uint64_t>(x, walk, strides, start)};
    case 4:
      return {x.type, shape, copy_rows<std::uint32_t>(x, walk, strides, start)};
    default:
      return {x.type, shape, copy_rows<std::uint8_t>(x, walk, strides, start)};
  }
}

Shape permuted(const Shape& shape, const Shape& permutation) {
  Shape result;
  for (const std::int64_t axis : permutation) {
    result.push_back(shape[static_cast<std::size_t>(axis)]);
  }
  return result;
}

Tensor rearranged(const Tensor& x, const Shape& seen, const Shape& permutation,
                  const Shape& shape) {
  return strided(x, shape, permuted(seen, permutation), permuted(strides_of(seen), permutation));
}

}  // namespace hyps::cnn::ops
