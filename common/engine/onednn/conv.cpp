// Convolution: one primitive for each range of output channels of each image.
#include <algorithm>
#include <map>

#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/pieces.hpp"

namespace hyps::engine {
namespace {

using dnnl::convolution_forward;

// How long an operation takes, compared with one of a dense convolution.
constexpr double kDepthwiseCost = 3;

struct Shapes {
  cnn::Shape x, w, y;
  std::int64_t groups = 1;

  [[nodiscard]] std::int64_t inputs_per_group() const { return w[1]; }
  [[nodiscard]] std::int64_t outputs_per_group() const { return w[0] / groups; }
  // The weights of output channels [begin, end), plain.
  [[nodiscard]] cnn::Shape weights_of(const cnn::Range& range) const {
    cnn::Shape shape = w;
    shape[0] = range.size();
    if (groups > 1) {
      shape[0] = outputs_per_group();
      shape.insert(shape.begin(), range.size() / outputs_per_group());
    }
    return shape;
  }
  [[nodiscard]] cnn::Range inputs_of(const cnn::Range& range) const {
    if (groups == 1) return {0, x[1]};
    return {range.begin / outputs_per_group() * inputs_per_group(),
            range.end / outputs_per_group() * inputs_per_group()};
  }
  [[nodiscard]] bool is_depthwise() const { return groups > 1 && w[1] == 1; }
  [[nodiscard]] double flops() const {
    const auto products = cnn::element_count(w) / w[0];  // for each output
    return 2.0 * static_cast<double>(cnn::element_count(y)) * static_cast<double>(products);
  }
};

class ConvEmitter {
 public:
  ConvEmitter(Builder& builder, const Group& group, const cnn::ConvKernel& kernel)
      : builder_(builder),
        group_(group),
        window_(kernel.window),
        shapes_{builder.shape(group.head.inputs[0]), builder.shape(group.head.inputs[1]),
                builder.shape(group.head.outputs[0]), kernel.groups},
        has_bias_(group.scaling.has_value() || bias_tensor() != nullptr),
        attributes_(attributes_with(group.post)) {}

  bool run() {
    if (!choose_layouts()) return false;
    const auto ranges = choose_ranges();
    std::map<std::int64_t, convolution_forward::primitive_desc> forms;  // by size of the range
    for (const auto& range : ranges) {
      if (!forms.contains(range.size())) forms.emplace(range.size(), form_of(range));
    }
    const auto x = builder_.place_as(group_.head.inputs[0], x_);
    const auto y = destination();
    std::vector<PieceDraft> pieces;
    for (const auto& range : ranges) add_pieces(range, forms.at(range.size()), x, y, pieces);
    builder_.add(pieces);
    return true;
  }

 private:
  [[nodiscard]] const cnn::Tensor& weights() const {
    return builder_.graph().weights.at(group_.head.inputs[1]);
  }
  [[nodiscard]] const cnn::Tensor* bias_tensor() const {
    const auto& inputs = group_.head.inputs;
    if (inputs.size() < 3 || inputs[2].empty()) return nullptr;
    return &builder_.graph().weights.at(inputs[2]);
  }
  [[nodiscard]] std::int64_t images() const { return shapes_.x[0]; }

  [[nodiscard]] convolution_forward::primitive_desc describe(const Desc& x, const Desc& y,
                                                             const cnn::Range& range) const {
    auto dilations = window_.dilations;
    for (auto& dilation : dilations) --dilation;  // oneDNN counts from 0
    const auto w = any_desc(shapes_.weights_of(range));
    const auto bias = has_bias_ ? plain_desc({range.size()}) : Desc();
    const convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, x, w, bias, y,
        window_.strides, dilations, window_.pads_begin, window_.pads_end);
    convolution_forward::primitive_desc form(desc, attributes_, builder_.engine(), true);
    if (form) prefer_sliceable(form);  // here, where `desc` still lives: the iterator refers to it
    return form;
  }

  // Layouts of the whole maps, as oneDNN likes them for one image; plain ones if parts of those
  // would not be contiguous.
  bool choose_layouts() {
    auto one_x = shapes_.x;
    auto one_y = shapes_.y;
    one_x[0] = one_y[0] = 1;
    const cnn::Range all{0, shapes_.w[0]};
    const auto form = describe(any_desc(one_x), any_desc(one_y), all);
    if (!form) return false;
    if (!group_.post.empty() && is_scalar_form(form.impl_info_str())) return false;
    const auto x = with_batch(form.src_desc(), images());
    const auto y = with_batch(form.dst_desc(), images());
    if (x && y && (images() == 1 || (slices(*x, *y, all)))) {
      x_ = *x;
      y_ = *y;
      return true;
    }
    x_ = plain_desc(shapes_.x);
    y_ = plain_desc(shapes_.y);
    return static_cast<bool>(form_of(all));
  }

  [[nodiscard]] bool slices(const Desc& x, const Desc& y, const cnn::Range& range) const {
    const auto [begin, end] = shapes_.inputs_of(range);
    return channel_slice(x, 0, begin, end) && channel_slice(y, 0, range.begin, range.end);
  }

  // Channels of whole groups and whole blocks, if their parts of the maps are contiguous.
  [[nodiscard]] std::vector<cnn::Range> choose_ranges() const {
    std::int64_t unit = channel_block(y_);
    if (shapes_.groups > 1) {
      const auto outputs = shapes_.outputs_per_group();
      const auto inputs = shapes_.inputs_per_group();
      std::int64_t groups = 1;
      while (groups < shapes_.groups && (groups * outputs % channel_block(y_) != 0 ||
                                         groups * inputs % channel_block(x_) != 0)) {
        ++groups;
      }
      unit = groups * outputs;
    }
    const double cost = shapes_.is_depthwise() ? kDepthwiseCost : 1;
    auto ranges = split(shapes_.w[0], unit, cost * shapes_.flops() / static_cast<double>(images()));
    const auto fits = [&](const cnn::Range& range) {
      return slices(x_, y_, range) && form_of(range) &&
             (group_.post.empty() || !is_scalar_form(form_of(range).impl_info_str()));
    };
    if (ranges.size() > 1 && std::ranges::all_of(ranges, fits)) return ranges;
    return {{0, shapes_.w[0]}};
  }

  // What computes one range of one image.
  [[nodiscard]] convolution_forward::primitive_desc form_of(const cnn::Range& range) const {
    return describe(x_of(range, 0).desc, y_of(range, 0).desc, range);
  }
  [[nodiscard]] Slice x_of(const cnn::Range& range, std::int64_t n) const {
    const auto [begin, end] = shapes_.inputs_of(range);
    return part(x_, n, begin, end);
  }
  [[nodiscard]] Slice y_of(const cnn::Range& range, std::int64_t n) const {
    return part(y_, n, range.begin, range.end);
  }
  // A map that cannot be cut is only ever asked for as a whole.
  static Slice part(const Desc& whole, std::int64_t n, std::int64_t begin, std::int64_t end) {
    return channel_slice(whole, n, begin, end).value_or(Slice{0, whole});
  }

  // Where the result goes: over the residual, if it is added.
  Place destination() {
    const auto& output = group_.outputs().front();
    if (group_.post.empty() || group_.post.front().kind != PostOp::Kind::add) {
      return builder_.define(output, y_);
    }
    const auto& residual = group_.post.front().operand;
    const auto old = builder_.place(residual);
    if (builder_.is_writable(old.buffer) && old.desc == y_) {
      builder_.define_at(output, old);
      return old;
    }
    const auto copy = builder_.define(output, y_);
    builder_.add({builder_.reorder(old, copy)});
    return copy;
  }

  void add_pieces(const cnn::Range& range, const convolution_forward::primitive_desc& form,
                  const Place& x, const Place& y, std::vector<PieceDraft>& pieces) {
    const convolution_forward primitive(form);
    const auto w = pack_weights(range, form.weights_desc());
    const auto bias = has_bias_ ? builder_.constant(bias_of(range)) : BufferId{};
    for (std::int64_t n = 0; n < images(); ++n) {
      const auto from = x_of(range, n);
      const auto to = y_of(range, n);
      PieceDraft piece{primitive, {}, form.scratchpad_desc()};
      piece.operands = {part_of(DNNL_ARG_SRC, x, from.offset, from.desc),
                        {DNNL_ARG_WEIGHTS, w, 0, form.weights_desc()},
                        part_of(DNNL_ARG_DST, y, to.offset, to.desc)};
      if (has_bias_) piece.operands.push_back({DNNL_ARG_BIAS, bias, 0, form.bias_desc()});
      pieces.push_back(std::move(piece));
    }
  }

  BufferId pack_weights(const cnn::Range& range, const Desc& want) {
    const auto row = static_cast<std::size_t>(cnn::element_count(shapes_.w) / shapes_.w[0]);
    const auto begin = static_cast<std::size_t>(range.begin) * row;
    const auto count = static_cast<std::size_t>(range.size()) * row;
    const auto have = plain_desc(shapes_.weights_of(range));
    if (!group_.scaling) {
      const auto source = weights().data.slice(begin * sizeof(float), count * sizeof(float));
      return builder_.packed(source, have, want);
    }
    return builder_.packed_of(
        [&] {
          const auto source = weights().f32().subspan(begin, count);
          std::vector<float> scaled(source.begin(), source.end());
          for (std::size_t i = 0; i < count; ++i) {
            scaled[i] *= group_.scaling->scale[static_cast<std::size_t>(range.begin) + i / row];
          }
          return scaled;
        },
        have, want);
  }

  [[nodiscard]] std::vector<float> bias_of(const cnn::Range& range) const {
    std::vector<float> bias;
    for (auto m = static_cast<std::size_t>(range.begin); m < static_cast<std::size_t>(range.end);
         ++m) {
      const float own = bias_tensor() == nullptr ? 0.0F : bias_tensor()->f32()[m];
      const auto& scaling = group_.scaling;
      bias.push_back(scaling ? own * scaling->scale[m] + scaling->shift[m] : own);
    }
    return bias;
  }

  Builder& builder_;
  const Group& group_;
  const cnn::Window& window_;
  const Shapes shapes_;
  const bool has_bias_;
  const dnnl::primitive_attr attributes_;
  Desc x_;
  Desc y_;
};

}  // namespace

bool emit(Builder& builder, const Group& group, const cnn::ConvKernel& kernel) {
  const auto& inputs = group.head.inputs;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    if (!inputs[i].empty() && !builder.graph().is_weight(inputs[i])) return false;
  }
  return ConvEmitter(builder, group, kernel).run();
}

}  // namespace hyps::engine
