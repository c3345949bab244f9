#include "common/zoo/builder.hpp"

#include <cmath>
#include <utility>

namespace hyps::zoo {

namespace {

using Integers = std::vector<std::int64_t>;

// The upper 24 bits as a number in [-1, 1) with steps of 2^-23: exact in float.
float signed_unit(std::uint32_t bits) {
  return (static_cast<float>(bits >> 8U) - 0x1.0p23F) * 0x1.0p-23F;
}

std::vector<float> uniform(std::size_t count, float middle, float reach, std::uint64_t seed) {
  std::vector<float> values(count);
  Random random(seed);
  for (std::size_t i = 0; i < count; i += 2) {
    const std::uint64_t bits = random.next();
    const float first = signed_unit(static_cast<std::uint32_t>(bits >> 32U)) * reach;
    const float second = signed_unit(static_cast<std::uint32_t>(bits)) * reach;
    values[i] = middle + first;
    if (i + 1 < count) values[i + 1] = middle + second;
  }
  return values;
}

}  // namespace

Builder::Builder(std::string name, std::uint64_t seed, std::int64_t side) : random_(seed) {
  graph_.name = std::move(name);
  graph_.opset = 13;
  graph_.inputs = {{"input", cnn::DType::f32, {1, 3, side, side}}};
}

Map Builder::conv(const std::string& name, const Map& x, const Conv& spec, Gain gain) {
  const std::int64_t depth = x.channels / spec.groups;
  const std::int64_t fan_in = depth * spec.kernel * spec.kernel;
  cnn::Node conv{"Conv", name, {x.name}, {}, {}};
  conv.inputs.push_back(
      weight(name + ".weight", {spec.channels, depth, spec.kernel, spec.kernel}, fan_in, gain));
  if (spec.bias) {
    conv.inputs.push_back(weight(name + ".bias", {spec.channels}, -0.05F, 0.05F));
  }
  conv.attributes = {{"kernel_shape", Integers(2, spec.kernel)},
                     {"strides", Integers(2, spec.stride)},
                     {"pads", Integers(4, spec.pad)},
                     {"group", spec.groups}};
  return node(std::move(conv), spec.channels);
}

Map Builder::conv(const std::string& name, const Map& x, const Oblong& spec) {
  const std::int64_t fan_in = x.channels * spec.rows * spec.columns;
  cnn::Node conv{"Conv", name, {x.name}, {}, {}};
  conv.inputs.push_back(weight(
      name + ".weight", {spec.channels, x.channels, spec.rows, spec.columns}, fan_in, Gain::relu));
  const std::int64_t above = spec.rows / 2;
  const std::int64_t beside = spec.columns / 2;
  conv.attributes = {{"kernel_shape", Integers{spec.rows, spec.columns}},
                     {"pads", Integers{above, beside, above, beside}}};
  return node(std::move(conv), spec.channels);
}

Map Builder::conv_transpose(const std::string& name, const Map& x, const Conv& spec) {
  // Each output position is reached by kernel² / stride² positions of each input channel.
  const std::int64_t fan_in = x.channels * spec.kernel * spec.kernel / (spec.stride * spec.stride);
  cnn::Node conv{"ConvTranspose", name, {x.name}, {}, {}};
  conv.inputs.push_back(weight(name + ".weight",
                               {x.channels, spec.channels, spec.kernel, spec.kernel}, fan_in,
                               Gain::linear));
  conv.inputs.push_back(weight(name + ".bias", {spec.channels}, -0.05F, 0.05F));
  conv.attributes = {{"kernel_shape", Integers(2, spec.kernel)},
                     {"strides", Integers(2, spec.stride)}};
  return node(std::move(conv), spec.channels);
}

Map Builder::batch_norm(const std::string& name, const Map& x, float epsilon) {
  const cnn::Shape shape{x.channels};
  cnn::Node norm{"BatchNormalization", name, {x.name}, {}, {{"epsilon", epsilon}}};
  norm.inputs.push_back(weight(name + ".scale", shape, 0.8F, 1.2F));
  norm.inputs.push_back(weight(name + ".shift", shape, -0.1F, 0.1F));
  norm.inputs.push_back(weight(name + ".mean", shape, -0.1F, 0.1F));
  norm.inputs.push_back(weight(name + ".variance", shape, 0.8F, 1.2F));
  return node(std::move(norm), x.channels);
}

Map Builder::relu(const std::string& name, const Map& x) {
  return node({"Relu", name, {x.name}, {}, {}}, x.channels);
}

Map Builder::relu6(const std::string& name, const Map& x) {
  return node({"Clip", name, {x.name, constant("zero", 0), constant("six", 6)}, {}, {}},
              x.channels);
}

Map Builder::leaky_relu(const std::string& name, const Map& x, float alpha) {
  return node({"LeakyRelu", name, {x.name}, {}, {{"alpha", alpha}}}, x.channels);
}

Map Builder::sigmoid(const std::string& name, const Map& x) {
  return node({"Sigmoid", name, {x.name}, {}, {}}, x.channels);
}

Map Builder::max_pool(const std::string& name, const Map& x, const Pool& spec) {
  return pool("MaxPool", name, x, spec);
}

Map Builder::average_pool(const std::string& name, const Map& x, const Pool& spec) {
  const Map y = pool("AveragePool", name, x, spec);
  graph_.nodes.back().attributes["count_include_pad"] = std::int64_t{1};
  return y;
}

Map Builder::pool(const char* op, const std::string& name, const Map& x, const Pool& spec) {
  cnn::Node window{op, name, {x.name}, {}, {}};
  window.attributes = {{"kernel_shape", Integers(2, spec.kernel)},
                       {"strides", Integers(2, spec.stride)},
                       {"pads", Integers(4, spec.pad)},
                       {"ceil_mode", std::int64_t{spec.ceil ? 1 : 0}}};
  return node(std::move(window), x.channels);
}

Map Builder::global_average_pool(const std::string& name, const Map& x) {
  return node({"GlobalAveragePool", name, {x.name}, {}, {}}, x.channels);
}

Map Builder::add(const std::string& name, const Map& a, const Map& b) {
  return node({"Add", name, {a.name, b.name}, {}, {}}, a.channels);
}

Map Builder::concat(const std::string& name, const std::vector<Map>& maps) {
  cnn::Node concat{"Concat", name, {}, {}, {{"axis", std::int64_t{1}}}};
  std::int64_t channels = 0;
  for (const Map& map : maps) {
    concat.inputs.push_back(map.name);
    channels += map.channels;
  }
  return node(std::move(concat), channels);
}

std::pair<Map, Map> Builder::halves(const std::string& name, const Map& x) {
  const std::int64_t half = x.channels / 2;
  const Map first{name + ".first", half};
  const Map second{name + ".second", half};
  graph_.nodes.push_back({"Split",
                          name,
                          {x.name, integers(name + ".sizes", {half, half})},
                          {first.name, second.name},
                          {{"axis", std::int64_t{1}}}});
  return {first, second};
}

Map Builder::shuffle(const std::string& name, const Map& x, std::int64_t groups,
                     std::int64_t side) {
  const std::int64_t each = x.channels / groups;
  Map y = reshape(name + ".dealt", x, {1, groups, each, side, side});
  y = transpose(name + ".turned", y, {0, 2, 1, 3, 4});
  y = reshape(name, y, {1, x.channels, side, side});
  y.channels = x.channels;
  return y;
}

Map Builder::space_to_depth(const std::string& name, const Map& x, std::int64_t side) {
  const std::int64_t half = side / 2;
  Map y = reshape(name + ".cells", x, {1, x.channels, half, 2, half, 2});
  y = transpose(name + ".stacked", y, {0, 3, 5, 1, 2, 4});
  y = reshape(name, y, {1, 4 * x.channels, half, half});
  y.channels = 4 * x.channels;
  return y;
}

Map Builder::reshape(const std::string& name, const Map& x, const cnn::Shape& shape) {
  return node({"Reshape", name, {x.name, integers(name + ".shape", shape)}, {}, {}}, x.channels);
}

Map Builder::transpose(const std::string& name, const Map& x, const Integers& order) {
  return node({"Transpose", name, {x.name}, {}, {{"perm", order}}}, x.channels);
}

Map Builder::flatten(const std::string& name, const Map& x, std::int64_t area) {
  return node({"Flatten", name, {x.name}, {}, {{"axis", std::int64_t{1}}}}, x.channels * area);
}

Map Builder::fully_connected(const std::string& name, const Map& x, std::int64_t neurons,
                             Gain gain) {
  cnn::Node gemm{"Gemm", name, {x.name}, {}, {{"transB", std::int64_t{1}}}};
  gemm.inputs.push_back(weight(name + ".weight", {neurons, x.channels}, x.channels, gain));
  gemm.inputs.push_back(weight(name + ".bias", {neurons}, -0.05F, 0.05F));
  return node(std::move(gemm), neurons);
}

Result<cnn::Graph> Builder::finish(const Map& output) {
  graph_.outputs = {{output.name, cnn::DType::f32, {}}};
  HYPS_CHECK(cnn::infer_shapes(graph_));
  return std::move(graph_);
}

Map Builder::node(cnn::Node node, std::int64_t channels) {
  Map output{node.name, channels};
  node.outputs = {node.name};
  graph_.nodes.push_back(std::move(node));
  return output;
}

std::string Builder::weight(const std::string& name, cnn::Shape shape, float low, float high) {
  const auto count = static_cast<std::size_t>(cnn::element_count(shape));
  std::vector<float> values = uniform(count, (low + high) / 2, (high - low) / 2, random_.next());
  graph_.weights.emplace(name, cnn::Tensor::floats(std::move(shape), std::move(values)));
  return name;
}

std::string Builder::weight(const std::string& name, cnn::Shape shape, std::int64_t fan_in,
                            Gain gain) {
  const double spread = gain == Gain::relu ? 6 : 3;
  const auto reach = static_cast<float>(std::sqrt(spread / static_cast<double>(fan_in)));
  return weight(name, std::move(shape), -reach, reach);
}

std::string Builder::integers(const std::string& name, const Integers& values) {
  const auto count = static_cast<std::int64_t>(values.size());
  graph_.weights.emplace(name, cnn::Tensor::integers({count}, values));
  return name;
}

std::string Builder::constant(const std::string& name, float value) {
  graph_.weights.emplace(name, cnn::Tensor::floats({}, {value}));
  return name;
}

}  // namespace hyps::zoo
