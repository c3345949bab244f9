// Range and Region: parts of tensors.
#pragma once

#include <vector>

#include "common/cnn/tensor.hpp"

namespace hyps::cnn {

struct Range {  // [begin, end)
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// A box of a tensor: ranges of its last axes, in order. The axes before them are whole, all of them
// where there is no range. Of a feature map [N,C,H,W]: its rows and its columns.
using Region = std::vector<Range>;

// The axes from the third on, whole: nothing where there are none.
Region whole_region(const Shape& shape);

// The smallest region that holds both. REQUIRES: both have as many ranges.
Region hull(const Region& a, const Region& b);

// `inner` counted from the corner of `outer`. REQUIRES: outer holds inner.
Region relative_to(const Region& outer, const Region& inner);

// REQUIRES: the region lies in the tensor.
Tensor crop(const Tensor& x, const Region& region);

}  // namespace hyps::cnn
