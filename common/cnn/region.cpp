#include "common/cnn/region.hpp"

#include <algorithm>

#include "common/cnn/ops/support/strided.hpp"

namespace hyps::cnn {

Region whole_region(const Shape& shape) {
  Region region;
  for (std::size_t axis = 2; axis < shape.size(); ++axis) region.push_back({0, shape[axis]});
  return region;
}

Region hull(const Region& a, const Region& b) {
  Region both = a;
  for (std::size_t i = 0; i < both.size(); ++i) {
    both[i] = {std::min(a[i].begin, b[i].begin), std::max(a[i].end, b[i].end)};
  }
  return both;
}

Region relative_to(const Region& outer, const Region& inner) {
  Region region = inner;
  const std::size_t shared = std::min(inner.size(), outer.size());
  for (std::size_t i = 1; i <= shared; ++i) {
    const std::int64_t corner = outer[outer.size() - i].begin;
    Range& range = region[region.size() - i];
    range = {range.begin - corner, range.end - corner};
  }
  return region;
}

Tensor crop(const Tensor& x, const Region& region) {
  const Shape strides = ops::strides_of(x.shape);
  const std::size_t whole = x.shape.size() - region.size();
  Shape shape = x.shape;
  std::int64_t start = 0;
  for (std::size_t i = 0; i < region.size(); ++i) {
    shape[whole + i] = region[i].size();
    start += region[i].begin * strides[whole + i];
  }
  if (shape == x.shape) return x;
  return ops::strided(x, shape, shape, strides, start);
}

}  // namespace hyps::cnn
