#include "tests/bench/limit/bare.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "common/engine/fusion.hpp"
#include "common/engine/onednn/attributes.hpp"
#include "common/engine/onednn/layout.hpp"

namespace hyps::bench {
namespace {

using engine::any_desc;
using engine::attributes_with;
using engine::plain_desc;
using Arguments = std::unordered_map<int, dnnl::memory>;

constexpr auto kInference = dnnl::prop_kind::forward_inference;

dnnl::memory::desc like(const dnnl::memory& memory) { return memory.get_desc(); }

std::vector<std::int64_t> from_zero(std::vector<std::int64_t> dilations) {
  for (auto& dilation : dilations) --dilation;  // oneDNN counts from 0
  return dilations;
}

dnnl::memory of_floats(const std::vector<float>& values, const dnnl::engine& engine) {
  dnnl::memory memory(plain_desc({static_cast<std::int64_t>(values.size())}), engine);
  std::memcpy(memory.get_data_handle(), values.data(), values.size() * sizeof(float));
  return memory;
}

}  // namespace

BareNetwork::BareNetwork(const cnn::Graph& graph, const cnn::Tensor& input, int threads)
    : graph_(graph), threads_(threads), engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
  omp_set_num_threads(threads_);
  Memory first(plain_desc(input.shape), engine_);
  std::memcpy(first.get_data_handle(), input.data.data(), input.data.size());
  maps_.emplace(graph.inputs.at(0).name, first);
  auto program = engine::lower(graph);
  if (!program.ok()) throw std::invalid_argument(program.error().message);
  for (const auto& group : engine::fuse(graph, std::move(*program))) add(group);
  const auto& name = graph.outputs.at(0).name;
  const auto result = map(name, plain_desc(shape(name)));
  const auto* values = static_cast<const float*>(result.get_data_handle());
  output_.assign(values, values + cnn::element_count(shape(name)));
}

void BareNetwork::run() {
  omp_set_num_threads(threads_);
  for (auto& layer : layers_) layer.primitive.execute(stream_, layer.arguments);
  stream_.wait();
}

void BareNetwork::run(Layer& layer) {
  omp_set_num_threads(threads_);
  layer.primitive.execute(stream_, layer.arguments);
  stream_.wait();
}

void BareNetwork::add(const engine::Group& group) {
  std::visit([&](const auto& kernel) { make(group, kernel); }, group.head.kernel);
}

template <typename Primitive, typename Form>
void BareNetwork::finish(const engine::Group& group, const Form& form, Arguments arguments,
                         const Memory& result) {
  if (form.scratchpad_desc().get_size() > 0) {
    arguments.emplace(DNNL_ARG_SCRATCHPAD, Memory(form.scratchpad_desc(), engine_));
  }
  const auto& node = graph_.nodes[group.head.node];
  layers_.push_back({node.name, form.impl_info_str(), Primitive(form), std::move(arguments),
                     static_cast<double>(cnn::cost_of(graph_, node).flops)});
  run(layers_.back());
  maps_.insert_or_assign(group.outputs().front(), result);
}

const cnn::Shape& BareNetwork::shape(const std::string& value) const {
  return graph_.is_weight(value) ? graph_.weights.at(value).shape : graph_.value(value).shape;
}

dnnl::memory BareNetwork::map(const std::string& value) {
  if (const auto found = maps_.find(value); found != maps_.end()) return found->second;
  const auto& tensor = graph_.weights.at(value);
  Memory memory(plain_desc(tensor.shape), engine_);
  std::memcpy(memory.get_data_handle(), tensor.data.data(), tensor.data.size());
  maps_.emplace(value, memory);
  return memory;
}

dnnl::memory BareNetwork::map(const std::string& value, const Desc& as) {
  const auto known = map(value);
  return like(known) == as ? known : copied(known, as);
}

dnnl::memory BareNetwork::copied(const Memory& from, const Desc& as) {
  Memory to(as, engine_);
  Memory source = from;
  dnnl::reorder(source, to).execute(stream_, source, to);
  stream_.wait();
  return to;
}

dnnl::memory BareNetwork::weights(const engine::Group& group, const cnn::Shape& as,
                                  const Desc& packed) {
  const auto& tensor = graph_.weights.at(group.head.inputs[1]);
  Memory plain(plain_desc(as), engine_);
  auto* values = static_cast<float*>(plain.get_data_handle());
  std::memcpy(values, tensor.data.data(), tensor.data.size());
  if (group.scaling) {
    const auto count = static_cast<std::size_t>(cnn::element_count(as));
    const auto row = count / group.scaling->scale.size();
    for (std::size_t i = 0; i < count; ++i) values[i] *= group.scaling->scale[i / row];
  }
  return copied(plain, packed);
}

dnnl::memory BareNetwork::bias(const engine::Group& group) {
  const auto& inputs = group.head.inputs;
  const bool own = inputs.size() > 2 && !inputs[2].empty();
  if (!own && !group.scaling) return {};
  std::vector<float> values(own ? graph_.weights.at(inputs[2]).f32().size()
                                : group.scaling->shift.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = own ? graph_.weights.at(inputs[2]).f32()[i] : 0;
    if (group.scaling) values[i] = values[i] * group.scaling->scale[i] + group.scaling->shift[i];
  }
  return of_floats(values, engine_);
}

// New memory, or the residual's where the layer adds to it.
dnnl::memory BareNetwork::destination(const engine::Group& group, const Desc& desc) {
  if (group.post.empty() || group.post.front().kind != engine::PostOp::Kind::add) {
    return {desc, engine_};
  }
  return map(group.post.front().operand, desc);
}

void BareNetwork::make(const engine::Group& group, const cnn::ConvKernel& kernel) {
  auto w_shape = shape(group.head.inputs[1]);
  if (kernel.groups > 1) {
    w_shape[0] /= kernel.groups;
    w_shape.insert(w_shape.begin(), kernel.groups);
  }
  const auto b = bias(group);
  const auto& window = kernel.window;
  const dnnl::convolution_forward::desc what(
      kInference, dnnl::algorithm::convolution_direct, any_desc(shape(group.head.inputs[0])),
      any_desc(w_shape), b ? like(b) : Desc(), any_desc(shape(group.head.outputs[0])),
      window.strides, from_zero(window.dilations), window.pads_begin, window.pads_end);
  const dnnl::convolution_forward::primitive_desc form(what, attributes_with(group.post), engine_);
  const auto y = destination(group, form.dst_desc());
  Arguments arguments{{DNNL_ARG_SRC, map(group.head.inputs[0], form.src_desc())},
                      {DNNL_ARG_WEIGHTS, weights(group, w_shape, form.weights_desc())},
                      {DNNL_ARG_DST, y}};
  if (b) arguments.emplace(DNNL_ARG_BIAS, b);
  finish<dnnl::convolution_forward>(group, form, std::move(arguments), y);
}

void BareNetwork::make(const engine::Group& group, const cnn::PoolKernel& kernel) {
  using Kind = cnn::PoolKernel::Kind;
  const auto& window = kernel.window;
  const auto algorithm = kernel.kind == Kind::max ? dnnl::algorithm::pooling_max
                         : kernel.kind == Kind::average_with_pads
                             ? dnnl::algorithm::pooling_avg_include_padding
                             : dnnl::algorithm::pooling_avg_exclude_padding;
  const auto x = map(group.head.inputs[0]);
  const dnnl::pooling_v2_forward::desc what(
      kInference, algorithm, like(x), any_desc(shape(group.head.outputs[0])), window.strides,
      window.kernel, from_zero(window.dilations), window.pads_begin, window.pads_end);
  const dnnl::pooling_v2_forward::primitive_desc form(what, attributes_with({}), engine_);
  const Memory y(form.dst_desc(), engine_);
  finish<dnnl::pooling_v2_forward>(group, form, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}, y);
}

void BareNetwork::make(const engine::Group& group, const cnn::MatMulKernel& kernel) {
  const auto& x_shape = shape(group.head.inputs[0]);
  if (!kernel.transpose_b || kernel.transpose_a || kernel.alpha != 1 || kernel.beta != 1 ||
      x_shape.size() != 2 || !graph_.is_weight(group.head.inputs[1])) {
    throw std::invalid_argument("only fully connected layers are known here");
  }
  const auto& w_shape = shape(group.head.inputs[1]);
  const auto b = bias(group);
  const dnnl::inner_product_forward::desc what(kInference, any_desc(x_shape), any_desc(w_shape),
                                               b ? like(b) : Desc(),
                                               any_desc(shape(group.head.outputs[0])));
  const dnnl::inner_product_forward::primitive_desc form(what, attributes_with(group.post),
                                                         engine_);
  const Memory y(form.dst_desc(), engine_);
  Arguments arguments{{DNNL_ARG_SRC, map(group.head.inputs[0], form.src_desc())},
                      {DNNL_ARG_WEIGHTS, weights(group, w_shape, form.weights_desc())},
                      {DNNL_ARG_DST, y}};
  if (b) arguments.emplace(DNNL_ARG_BIAS, b);
  finish<dnnl::inner_product_forward>(group, form, std::move(arguments), y);
}

void BareNetwork::make(const engine::Group& group, const cnn::UnaryKernel& kernel) {
  const auto [algorithm, alpha, beta] = engine::eltwise_of(kernel);
  const auto x = map(group.head.inputs[0]);
  const dnnl::eltwise_forward::desc what(kInference, algorithm, like(x), alpha, beta);
  const dnnl::eltwise_forward::primitive_desc form(what, attributes_with({}), engine_);
  const Memory y(form.dst_desc(), engine_);
  finish<dnnl::eltwise_forward>(group, form, {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}, y);
}

void BareNetwork::make(const engine::Group& group, const cnn::BinaryKernel& kernel) {
  using Function = cnn::BinaryKernel::Function;
  const auto& inputs = group.head.inputs;
  if (inputs.size() != 2 || kernel.function != Function::add ||
      shape(inputs[0]) != shape(inputs[1])) {
    throw std::invalid_argument("only sums of two maps are known here");
  }
  const auto a = map(inputs[0]);
  const auto b = map(inputs[1], like(a));
  const dnnl::binary::desc what(dnnl::algorithm::binary_add, like(a), like(b), like(a));
  const dnnl::binary::primitive_desc form(what, attributes_with({}), engine_);
  const Memory y(form.dst_desc(), engine_);
  finish<dnnl::binary>(group, form, {{DNNL_ARG_SRC_0, a}, {DNNL_ARG_SRC_1, b}, {DNNL_ARG_DST, y}},
                       y);
}

void BareNetwork::make(const engine::Group& group, const cnn::AffineKernel& kernel) {
  using Flags = dnnl::normalization_flags;
  const auto x = map(group.head.inputs[0]);
  auto flags = Flags::use_global_stats | Flags::use_scale | Flags::use_shift;
  if (!group.post.empty()) flags |= Flags::fuse_norm_relu;
  const dnnl::batch_normalization_forward::desc what(kInference, like(x), 0, flags);
  const dnnl::batch_normalization_forward::primitive_desc form(what, attributes_with({}), engine_);
  const Memory y(form.dst_desc(), engine_);
  const auto count = kernel.scale.size();
  finish<dnnl::batch_normalization_forward>(
      group, form,
      {{DNNL_ARG_SRC, x},
       {DNNL_ARG_MEAN, of_floats(std::vector<float>(count, 0), engine_)},
       {DNNL_ARG_VARIANCE, of_floats(std::vector<float>(count, 1), engine_)},
       {DNNL_ARG_SCALE, of_floats(kernel.scale, engine_)},
       {DNNL_ARG_SHIFT, of_floats(kernel.shift, engine_)},
       {DNNL_ARG_DST, y}},
      y);
}

void BareNetwork::make(const engine::Group& group, const cnn::ConcatKernel& kernel) {
  std::vector<Desc> descs;
  Arguments arguments;
  for (const auto& input : group.head.inputs) {
    const auto x = map(input);
    arguments.emplace(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(descs.size()), x);
    descs.push_back(like(x));
  }
  const dnnl::concat::primitive_desc form(static_cast<int>(kernel.axis), descs, engine_,
                                          attributes_with({}));
  const Memory y(form.dst_desc(), engine_);
  arguments.emplace(DNNL_ARG_DST, y);
  finish<dnnl::concat>(group, form, std::move(arguments), y);
}

// The same elements under another shape: no work.
void BareNetwork::make(const engine::Group& group, const cnn::ViewKernel& /*kernel*/) {
  const auto x = map(group.head.inputs[0], plain_desc(shape(group.head.inputs[0])));
  const auto& output = group.outputs().front();
  maps_.insert_or_assign(output, Memory(plain_desc(shape(output)), engine_, x.get_data_handle()));
  viewed_.push_back(x);
}

// A transposition is a reorder between two descriptions of the same elements.
void BareNetwork::make(const engine::Group& group, const cnn::ReferenceKernel& /*kernel*/) {
  const auto& node = graph_.nodes[group.head.node];
  const auto order = node.attributes.find("perm");
  if (node.op != "Transpose" || order == node.attributes.end()) {
    throw std::invalid_argument(fmt::format("{} has no primitive here", node.op));
  }
  std::vector<int> axes;
  for (const auto axis : std::get<std::vector<std::int64_t>>(order->second)) {
    axes.push_back(static_cast<int>(axis));
  }
  std::vector<int> inverse(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    inverse[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
  }
  const auto x = map(node.inputs[0], plain_desc(shape(node.inputs[0])));
  const auto seen = like(x).permute_axes(inverse);
  const Memory from(seen, engine_, x.get_data_handle());
  const Memory y(plain_desc(shape(node.outputs[0])), engine_);
  const dnnl::reorder::primitive_desc form(engine_, seen, engine_, like(y), attributes_with({}));
  finish<dnnl::reorder>(group, form, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, y}}, y);
}

template <typename Kernel>
void BareNetwork::make(const engine::Group& group, const Kernel& /*kernel*/) {
  throw std::invalid_argument(
      fmt::format("{} has no primitive here", graph_.nodes[group.head.node].op));
}

}  // namespace hyps::bench
