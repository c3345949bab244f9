// Walking tensors that broadcast to one shape, a row of the last axis at a time: the work for each
// element is then one addition an operand.
#pragma once

#include <vector>

#include "common/cnn/ops/support/position.hpp"

namespace hyps::cnn::ops {

class BroadcastRows {
 public:
  // REQUIRES: each of `shapes` broadcasts to `shape`.
  BroadcastRows(const std::vector<Shape>& shapes, const Shape& shape);

  [[nodiscard]] std::int64_t length() const { return length_; }
  // Between neighbours of a row of operand i: 1, or 0 where it is repeated.
  [[nodiscard]] std::int64_t step(std::size_t i) const { return steps_[i]; }

  // visit(first), for every row in row-major order: first[i] is where operand i's row begins.
  template <typename Visit>
  void for_each(Visit visit) const {
    std::vector<std::int64_t> first(strides_.size());
    for_each_position(outer_, [&](const Shape& position) {
      for (std::size_t i = 0; i < strides_.size(); ++i) first[i] = offset_of(position, strides_[i]);
      visit(first);
    });
  }

 private:
  Shape outer_;
  std::int64_t length_ = 1;
  std::vector<Shape> strides_;  // over outer_
  std::vector<std::int64_t> steps_;
};

}  // namespace hyps::cnn::ops
