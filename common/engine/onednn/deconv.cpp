// Transposed convolution: one primitive for each range of output channels of each image, on plain
// maps (what comes before and after is mostly an upsampling path of few layers).
#include <algorithm>
#include <map>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {
namespace {

using dnnl::deconvolution_forward;

class DeconvEmitter {
 public:
  DeconvEmitter(Builder& builder, const Group& group, const cnn::DeconvKernel& kernel)
      : builder_(builder),
        inputs_(group.head.inputs),
        output_(group.outputs().front()),
        kernel_(kernel),
        x_shape_(builder.shape(inputs_[0])),
        w_shape_(builder.shape(inputs_[1])),
        y_shape_(builder.shape(group.head.outputs[0])),
        has_bias_(inputs_.size() > 2 && !inputs_[2].empty()) {}

  bool run() {
    const auto ranges = choose_ranges();
    std::map<std::int64_t, deconvolution_forward::primitive_desc> forms;  // by size of the range
    for (const auto& range : ranges) {
      if (!forms.contains(range.size())) forms.emplace(range.size(), describe(range.size()));
      const auto& form = forms.at(range.size());
      if (!form || is_scalar_form(form.impl_info_str())) return false;
    }
    const auto x = builder_.place_plain(inputs_[0]);
    const auto y = builder_.define(output_, plain_desc(y_shape_));
    std::vector<PieceDraft> pieces;
    for (const auto& range : ranges) add_pieces(range, forms.at(range.size()), x, y, pieces);
    builder_.add(pieces);
    return true;
  }

 private:
  [[nodiscard]] std::vector<cnn::Range> choose_ranges() const {
    if (kernel_.groups > 1) return {{0, y_shape_[1]}};
    const auto products = cnn::element_count(w_shape_) / w_shape_[0];  // for each input
    const auto inputs = cnn::element_count(x_shape_) / x_shape_[0];
    return split(y_shape_[1], 16,
                 2.0 * static_cast<double>(inputs) * static_cast<double>(products));
  }

  static cnn::Shape one_image(cnn::Shape shape, std::int64_t channels) {
    shape[0] = 1;
    shape[1] = channels;
    return shape;
  }

  // ONNX has input channels first, oneDNN output channels: the same memory seen otherwise.
  [[nodiscard]] cnn::Shape weights_of(std::int64_t channels) const {
    cnn::Shape shape = w_shape_;
    shape[0] = channels / kernel_.groups;
    shape[1] = w_shape_[0] / kernel_.groups;
    if (kernel_.groups > 1) shape.insert(shape.begin(), kernel_.groups);
    return shape;
  }
  [[nodiscard]] Desc weights_in_place(std::int64_t channels) const {
    cnn::Shape strides(w_shape_.size(), 1);
    for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * w_shape_[i];
    const auto group_stride = strides[0] * (w_shape_[0] / kernel_.groups);
    std::swap(strides[0], strides[1]);
    if (kernel_.groups > 1) strides.insert(strides.begin(), group_stride);
    return strided_desc(weights_of(channels), strides);
  }

  [[nodiscard]] deconvolution_forward::primitive_desc describe(std::int64_t channels) const {
    const auto& window = kernel_.window;
    auto dilations = window.dilations;
    for (auto& dilation : dilations) --dilation;  // oneDNN counts from 0
    const auto bias = has_bias_ ? plain_desc({channels}) : Desc();
    const deconvolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::deconvolution_direct,
        plain_desc(one_image(x_shape_, x_shape_[1])), any_desc(weights_of(channels)), bias,
        plain_desc(one_image(y_shape_, channels)), window.strides, dilations, window.pads_begin,
        window.pads_end);
    return {desc, attributes_with({}), builder_.engine(), true};
  }

  void add_pieces(const cnn::Range& range, const deconvolution_forward::primitive_desc& form,
                  const Place& x, const Place& y, std::vector<PieceDraft>& pieces) {
    const deconvolution_forward primitive(form);
    const auto taps = cnn::element_count(w_shape_) / w_shape_[0] / w_shape_[1];
    const auto& weights = builder_.graph().weights.at(inputs_[1]);
    const auto w = builder_.packed_copy(weights.f32().data() + range.begin * taps,
                                        weights_in_place(range.size()), form.weights_desc());
    const auto bias = has_bias_ ? builder_.constant(bias_of(range)) : BufferId{};
    const auto x_image = cnn::element_count(x_shape_) / x_shape_[0];
    const auto y_plane = cnn::element_count(y_shape_) / y_shape_[0] / y_shape_[1];
    for (std::int64_t n = 0; n < x_shape_[0]; ++n) {
      const auto from = static_cast<std::size_t>(n * x_image) * sizeof(float);
      const auto to =
          static_cast<std::size_t>((n * y_shape_[1] + range.begin) * y_plane) * sizeof(float);
      PieceDraft piece{primitive, {}, form.scratchpad_desc()};
      piece.operands = {part_of(DNNL_ARG_SRC, x, from, form.src_desc()),
                        {DNNL_ARG_WEIGHTS, w, 0, form.weights_desc()},
                        part_of(DNNL_ARG_DST, y, to, form.dst_desc())};
      if (has_bias_) piece.operands.push_back({DNNL_ARG_BIAS, bias, 0, form.bias_desc()});
      pieces.push_back(std::move(piece));
    }
  }

  [[nodiscard]] std::span<const float> bias_of(const cnn::Range& range) const {
    const auto all = builder_.graph().weights.at(inputs_[2]).f32();
    return all.subspan(static_cast<std::size_t>(range.begin),
                       static_cast<std::size_t>(range.size()));
  }

  Builder& builder_;
  const std::vector<std::string>& inputs_;
  const std::string& output_;
  const cnn::DeconvKernel& kernel_;
  const cnn::Shape x_shape_;
  const cnn::Shape w_shape_;
  const cnn::Shape y_shape_;
  const bool has_bias_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::DeconvKernel& kernel) {
  const auto& inputs = group.head.inputs;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs[i].empty() && !builder.graph().is_weight(inputs[i])) return false;
  }
  return DeconvEmitter(builder, group, kernel).run();
}

}  // namespace hyps::engine
