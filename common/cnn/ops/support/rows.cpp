#include "common/cnn/ops/support/rows.hpp"

namespace hyps::cnn::ops {

BroadcastRows::BroadcastRows(const std::vector<Shape>& shapes, const Shape& shape) : outer_(shape) {
  if (!shape.empty()) {
    length_ = shape.back();
    outer_.pop_back();
  }
  if (length_ == 0) outer_ = {0};  // however many empty rows there are
  for (const Shape& operand : shapes) {
    Shape strides = broadcast_strides(operand, shape);
    steps_.push_back(strides.empty() ? 0 : strides.back());
    if (!strides.empty()) strides.pop_back();
    strides_.push_back(std::move(strides));
  }
}

}  // namespace hyps::cnn::ops
