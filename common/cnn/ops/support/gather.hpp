// Moving elements of any type to where a function says (Pad).
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "common/cnn/ops/support/position.hpp"

namespace hyps::cnn::ops {

template <typename Element, typename Source>
Blob gather_elements(const Tensor& x, const Shape& shape, const Source& source, const void* fill) {
  Element padding{};
  if (fill != nullptr) std::memcpy(&padding, fill, sizeof(Element));
  const auto from = x.values<Element>();
  std::vector<Element> to;
  to.reserve(static_cast<std::size_t>(element_count(shape)));
  for_each_position(shape, [&](const Shape& position) {
    const std::int64_t offset = source(position);
    to.push_back(offset < 0 ? padding : from[static_cast<std::size_t>(offset)]);
  });
  return Blob::of(std::move(to));
}

// A tensor of x's type whose element at each position is x's element at source(position), or
// `fill` (zero if null) where that is negative.
template <typename Source>
Tensor gather(const Tensor& x, const Shape& shape, const Source& source,
              const void* fill = nullptr) {
  switch (size_of(x.type)) {
    case 8:
      return {x.type, shape, gather_elements<std::uint64_t>(x, shape, source, fill)};
    case 4:
      return {x.type, shape, gather_elements<std::uint32_t>(x, shape, source, fill)};
    default:
      return {x.type, shape, gather_elements<std::uint8_t>(x, shape, source, fill)};
  }
}

}  // namespace hyps::cnn::ops
