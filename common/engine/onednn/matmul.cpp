// Matrix products. One row by constant weights (a fully connected layer on one image) is limited by
// reading the weights, so they are read where they are; anything else goes through dnnl::matmul.
#include <algorithm>
#include <map>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {
namespace {

// beta * c as a row of `columns`, where c is a constant that is one; an empty row without c.
struct Row {
  bool possible = true;
  std::vector<float> values;
};

Row bias_row(const Builder& builder, const Group& group, float beta, std::int64_t columns) {
  const auto& inputs = group.head.inputs;
  if (inputs.size() < 3 || inputs[2].empty()) return {};
  const auto found = builder.graph().weights.find(inputs[2]);
  if (found == builder.graph().weights.end()) return {false, {}};
  const auto values = found->second.f32();
  const auto& shape = found->second.shape;
  const bool full_row = !shape.empty() && shape.back() == columns &&
                        static_cast<std::int64_t>(values.size()) == columns;
  if (!full_row && values.size() != 1) return {false, {}};
  Row row;
  for (std::size_t i = 0; i < static_cast<std::size_t>(columns); ++i) {
    row.values.push_back(beta * values[values.size() == 1 ? 0 : i]);
  }
  return row;
}

std::span<const float> part(const std::vector<float>& values, const cnn::Range& range) {
  return std::span(values).subspan(static_cast<std::size_t>(range.begin),
                                   static_cast<std::size_t>(range.size()));
}

// [1, depth] times constant weights: each piece is some neurons.
class RowProduct {
 public:
  RowProduct(Builder& builder, const Group& group, const cnn::MatMulKernel& kernel,
             std::vector<float> bias)
      : builder_(builder),
        group_(group),
        kernel_(kernel),
        weights_(builder.graph().weights.at(group.head.inputs[1])),
        bias_(std::move(bias)),
        depth_(weights_.shape[kernel.transpose_b ? 1 : 0]),
        columns_(weights_.shape[kernel.transpose_b ? 0 : 1]) {}

  bool run() {
    const auto ranges = split_weights(columns_, 16, depth_ * std::int64_t{sizeof(float)});
    for (const auto& range : ranges) {
      const auto form = describe(range.size());
      if (!form || is_scalar_form(form.impl_info_str())) return false;
    }
    const auto x = builder_.place_plain(group_.head.inputs[0]);
    const auto y = builder_.define(group_.outputs().front(), plain_desc({1, columns_}));
    std::vector<PieceDraft> pieces;
    pieces.reserve(ranges.size());
    for (const auto& range : ranges) pieces.push_back(piece(range, x, y));
    builder_.add(pieces);
    return true;
  }

 private:
  [[nodiscard]] dnnl::inner_product_forward::primitive_desc describe(std::int64_t columns) const {
    const dnnl::inner_product_forward::desc desc(
        dnnl::prop_kind::forward_inference, plain_desc({1, depth_}), plain_desc({columns, depth_}),
        bias_.empty() ? Desc() : plain_desc({columns}), plain_desc({1, columns}));
    return {desc, attributes_with(group_.post), builder_.engine(), true};
  }

  PieceDraft piece(const cnn::Range& range, const Place& x, const Place& y) {
    const auto form = describe(range.size());
    const auto y_offset = static_cast<std::size_t>(range.begin) * sizeof(float);
    PieceDraft piece{dnnl::inner_product_forward(form), {}, form.scratchpad_desc(), true};
    piece.operands = {part_of(DNNL_ARG_SRC, x, 0, form.src_desc()),
                      {DNNL_ARG_WEIGHTS, neurons(range), 0, form.weights_desc()},
                      part_of(DNNL_ARG_DST, y, y_offset, form.dst_desc())};
    if (!bias_.empty()) {
      const auto bias = builder_.constant(part(bias_, range));
      piece.operands.push_back({DNNL_ARG_BIAS, bias, 0, form.bias_desc()});
    }
    return piece;
  }

  // The weights of some neurons, one neuron after another.
  BufferId neurons(const cnn::Range& range) {
    const auto want = plain_desc({range.size(), depth_});
    if (kernel_.transpose_b) {
      const auto row = static_cast<std::size_t>(depth_) * sizeof(float);
      const auto source = weights_.data.slice(static_cast<std::size_t>(range.begin) * row,
                                              static_cast<std::size_t>(range.size()) * row);
      return builder_.packed(source, want, want, kernel_.alpha);
    }
    const auto have = strided_desc({range.size(), depth_}, {1, columns_});
    return builder_.packed_copy(weights_.f32().data() + range.begin, have, want, kernel_.alpha);
  }

  Builder& builder_;
  const Group& group_;
  const cnn::MatMulKernel& kernel_;
  const cnn::Tensor& weights_;
  const std::vector<float> bias_;
  const std::int64_t depth_;
  const std::int64_t columns_;
};

// Any other product. Two-dimensional ones are divided by columns.
class Product {
 public:
  Product(Builder& builder, const Group& group, const cnn::MatMulKernel& kernel,
          std::vector<float> bias)
      : builder_(builder),
        group_(group),
        kernel_(kernel),
        bias_(std::move(bias)),
        constant_(builder.graph().is_weight(group.head.inputs[1])),
        y_shape_(builder.shape(group.head.outputs[0])),
        a_(operand(group.head.inputs[0], kernel.transpose_a)),
        b_(operand(group.head.inputs[1], kernel.transpose_b)) {}

  bool run() {
    if (kernel_.alpha != 1 && !constant_) return false;
    const bool flat = y_shape_.size() == 2;
    const auto columns = y_shape_.back();
    const auto flops = 2.0 * static_cast<double>(cnn::element_count(y_shape_)) *
                       static_cast<double>(a_.dims().back());
    const auto ranges = flat ? split(columns, 16, flops) : std::vector<cnn::Range>{{0, columns}};
    std::vector<dnnl::matmul::primitive_desc> forms;
    for (const auto& range : ranges) {
      forms.push_back(describe(range));
      if (!forms.back()) return false;
      if (!group_.post.empty() && is_scalar_form(forms.back().impl_info_str())) return false;
    }
    const auto a = builder_.place_plain(group_.head.inputs[0]);
    const auto b = constant_ ? Place{} : builder_.place_plain(group_.head.inputs[1]);
    const auto y = builder_.define(group_.outputs().front(), plain_desc(y_shape_));
    std::vector<PieceDraft> pieces;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      pieces.push_back(piece(ranges[i], forms[i], a, b, y));
    }
    builder_.add(pieces);
    return true;
  }

 private:
  // A plain matrix seen as op(matrix), with as many axes as the result.
  [[nodiscard]] Desc operand(const std::string& value, bool transposed) const {
    auto shape = builder_.shape(value);
    shape.insert(shape.begin(), y_shape_.size() - shape.size(), 1);
    const auto plain = plain_desc(shape);
    const auto last = static_cast<int>(shape.size()) - 1;
    if (!transposed) return plain;
    std::vector<int> order;
    for (int axis = 0; axis <= last; ++axis) order.push_back(axis);
    std::swap(order[static_cast<std::size_t>(last)], order[static_cast<std::size_t>(last) - 1]);
    return plain.permute_axes(order);
  }

  static Desc columns_of(const Desc& matrix, std::int64_t columns) {
    Desc part = matrix;
    const auto last = part.data.ndims - 1;
    part.data.dims[last] = part.data.padded_dims[last] = columns;
    return part;
  }
  static std::size_t offset_of(const Desc& matrix, std::int64_t column) {
    const auto stride = matrix.data.format_desc.blocking.strides[matrix.data.ndims - 1];
    return static_cast<std::size_t>(column * stride) * sizeof(float);
  }

  [[nodiscard]] dnnl::matmul::primitive_desc describe(const cnn::Range& range) const {
    const auto b = columns_of(b_, range.size());
    const auto y = columns_of(plain_desc(y_shape_), range.size());
    cnn::Shape bias_shape(y_shape_.size(), 1);
    bias_shape.back() = range.size();
    const auto b_form = constant_ ? any_desc(b.dims()) : b;
    const auto desc = bias_.empty() ? dnnl::matmul::desc(a_, b_form, y)
                                    : dnnl::matmul::desc(a_, b_form, plain_desc(bias_shape), y);
    return {desc, attributes_with(group_.post), builder_.engine(), true};
  }

  PieceDraft piece(const cnn::Range& range, const dnnl::matmul::primitive_desc& form,
                   const Place& a, const Place& b, const Place& y) {
    PieceDraft piece{dnnl::matmul(form), {}, form.scratchpad_desc(), false};
    const auto b_offset = offset_of(b_, range.begin);
    auto weights = part_of(DNNL_ARG_WEIGHTS, b, b_offset, form.weights_desc());
    if (constant_) {
      const auto& source = builder_.graph().weights.at(group_.head.inputs[1]).data;
      weights.buffer =
          builder_.packed(source.slice(b_offset, source.size() - b_offset),
                          columns_of(b_, range.size()), form.weights_desc(), kernel_.alpha);
      weights.offset = 0;
    }
    const auto y_offset = static_cast<std::size_t>(range.begin) * sizeof(float);
    piece.operands = {part_of(DNNL_ARG_SRC, a, 0, form.src_desc()), weights,
                      part_of(DNNL_ARG_DST, y, y_offset, form.dst_desc())};
    if (!bias_.empty()) {
      const auto bias = builder_.constant(part(bias_, range));
      piece.operands.push_back({DNNL_ARG_BIAS, bias, 0, form.bias_desc()});
    }
    return piece;
  }

  Builder& builder_;
  const Group& group_;
  const cnn::MatMulKernel& kernel_;
  const std::vector<float> bias_;
  const bool constant_;
  const cnn::Shape y_shape_;
  const Desc a_;
  const Desc b_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::MatMulKernel& kernel) {
  const auto& y = builder.shape(group.head.outputs[0]);
  auto row = bias_row(builder, group, kernel.beta, y.back());
  if (!row.possible) return false;
  const auto& weights = group.head.inputs[1];
  const bool one_row = y.size() == 2 && y[0] == 1 && builder.graph().is_weight(weights);
  if (one_row && RowProduct(builder, group, kernel, row.values).run()) return true;
  return Product(builder, group, kernel, std::move(row.values)).run();
}

}  // namespace hyps::engine
