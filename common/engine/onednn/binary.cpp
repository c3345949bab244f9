// Sums, products and their like of maps. oneDNN repeats only its second operand, so of two operands
// of different extents one must have the result's.
#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/elementwise.hpp"
#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {
namespace {

cnn::Shape with_rank(cnn::Shape shape, std::size_t rank) {
  shape.insert(shape.begin(), rank - shape.size(), 1);
  return shape;
}

using Function = cnn::BinaryKernel::Function;

dnnl::algorithm algorithm_of(Function function) {
  switch (function) {
    case Function::add:
      return dnnl::algorithm::binary_add;
    case Function::multiply:
      return dnnl::algorithm::binary_mul;
    case Function::subtract:
      return dnnl::algorithm::binary_sub;
    case Function::divide:
      return dnnl::algorithm::binary_div;
    case Function::maximum:
      return dnnl::algorithm::binary_max;
    case Function::minimum:
      return dnnl::algorithm::binary_min;
  }
  return dnnl::algorithm::binary_add;
}

bool commutes(Function function) {
  return function != Function::subtract && function != Function::divide;
}

PieceDraft piece(Builder& builder, dnnl::algorithm algorithm, const Operand& a, const Operand& b,
                 const Operand& y) {
  const dnnl::binary::desc what(algorithm, a.desc, b.desc, y.desc);
  const dnnl::binary::primitive_desc form(what, attributes_with({}), builder.engine());
  return {dnnl::binary(form), {a, b, y}, form.scratchpad_desc()};
}

class BinaryEmitter {
 public:
  BinaryEmitter(Builder& builder, const Group& group, const cnn::BinaryKernel& kernel)
      : builder_(builder),
        inputs_(group.head.inputs),
        output_(group.outputs().front()),
        shape_(builder.shape(output_)),
        commutes_(commutes(kernel.function)),
        algorithm_(algorithm_of(kernel.function)) {}

  bool run() {
    // Where operands commute, the fold may begin with any input of the full shape.
    std::size_t first = 0;
    while (first < inputs_.size() && builder_.shape(inputs_[first]) != shape_) ++first;
    // Folding from the left begins with the first two.
    if (first > (commutes_ ? 1U : 0U)) return false;
    auto sum = builder_.place(inputs_[first]);
    // Padding channels must stay zero, whatever is repeated over the others.
    if (!is_dense(sum.desc)) sum = builder_.place_plain(inputs_[first]);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (i != first) sum = combine(sum, inputs_[i]);
    }
    return true;
  }

 private:
  Place combine(const Place& a, const std::string& other) {
    if (builder_.shape(other) == shape_) return combine_equal(a, other);
    return combine_repeated(a, other);
  }

  Place combine_repeated(const Place& a, const std::string& other) {
    const auto b = builder_.place_plain(other);
    const auto b_desc = plain_desc(with_rank(builder_.shape(other), a.desc.dims().size()));
    const auto y = builder_.define(output_, a.desc);
    builder_.add({piece(builder_, algorithm_, whole_of(DNNL_ARG_SRC_0, a),
                        part_of(DNNL_ARG_SRC_1, b, 0, b_desc), whole_of(DNNL_ARG_DST, y))});
    return y;
  }

  Place combine_equal(const Place& a, const std::string& other) {
    const auto b = builder_.place_as(other, a.desc);
    const auto y = builder_.define(output_, a.desc);
    const auto make = [&](const Desc& desc, std::size_t offset) {
      return piece(builder_, algorithm_, part_of(DNNL_ARG_SRC_0, a, offset, desc),
                   part_of(DNNL_ARG_SRC_1, b, offset, desc),
                   part_of(DNNL_ARG_DST, y, offset, desc));
    };
    add_flat(builder_, cnn::element_count(shape_), make);
    return y;
  }

  Builder& builder_;
  const std::vector<std::string>& inputs_;
  const std::string& output_;
  const cnn::Shape shape_;
  const bool commutes_;
  const dnnl::algorithm algorithm_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::BinaryKernel& kernel) {
  return BinaryEmitter(builder, group, kernel).run();
}

}  // namespace hyps::engine
