// A detector as small as one can be: two inputs, three outputs, as YOLOv3 has them.
#pragma once

#include <cmath>

#include "common/base/random.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::test {

// image [1,3,32,32], image_shape [1,2] → boxes [1,64,4], scores [1,64,3], classes [1,64] (int64)
class Detector {
 public:
  cnn::Graph make() {
    graph_.name = "detector";
    graph_.inputs = {{"image", cnn::DType::f32, {1, 3, 32, 32}},
                     {"image_shape", cnn::DType::f32, {1, 2}}};
    std::string x = "image";
    std::int64_t channels = 3;
    for (const auto& [name, out] :
         {std::pair<std::string, std::int64_t>{"conv1", 8}, {"conv2", 16}}) {
      x = node("Relu", name + "_relu", {conv(name, x, channels, out, 3)});
      x = node("MaxPool", name + "_pool", {x},
               {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
      channels = out;
    }
    const std::string both = node("Concat", "sides", {"image_shape", "image_shape"}, axis(1));
    node("Mul", "boxes", {cells("box", x, channels, 4), both});
    const std::string scores = node("Sigmoid", "scores", {cells("score", x, channels, 3)});
    node("ArgMax", "classes", {scores}, {{"axis", std::int64_t{2}}, {"keepdims", std::int64_t{0}}});
    graph_.outputs = {{"boxes", {}, {}}, {"scores", {}, {}}, {"classes", {}, {}}};
    const Status inferred = cnn::infer_shapes(graph_);
    if (!inferred) throw std::logic_error(inferred.error().message);
    return graph_;
  }

 private:
  using Ints = std::vector<std::int64_t>;
  using Attributes = std::map<std::string, cnn::Attribute>;

  static Attributes axis(std::int64_t value) { return {{"axis", value}}; }

  std::string node(const std::string& op, const std::string& name,
                   const std::vector<std::string>& inputs, Attributes attributes = {}) {
    graph_.nodes.push_back({op, name, inputs, {name}, std::move(attributes)});
    return name;
  }
  std::string weight(const std::string& name, const cnn::Shape& shape, float scale) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < cnn::element_count(shape); ++i) {
      values.push_back(random_.uniform(-scale, scale));
    }
    graph_.weights.emplace(name, cnn::Tensor::floats(shape, std::move(values)));
    return name;
  }
  std::string conv(const std::string& name, const std::string& x, std::int64_t in, std::int64_t out,
                   std::int64_t kernel) {
    const float scale = 2 / std::sqrt(static_cast<float>(in * kernel * kernel));
    const std::int64_t pad = kernel / 2;
    return node("Conv", name,
                {x, weight(name + ".w", {out, in, kernel, kernel}, scale),
                 weight(name + ".b", {out}, 0.1F)},
                {{"pads", Ints{pad, pad, pad, pad}}});
  }
  // [1,channels,8,8] → [1,64,out]
  std::string cells(const std::string& name, const std::string& x, std::int64_t channels,
                    std::int64_t out) {
    graph_.weights.emplace(name + ".shape", cnn::Tensor::integers({3}, {1, out, 64}));
    const std::string map = conv(name + "_conv", x, channels, out, 1);
    const std::string flat = node("Reshape", name + "_flat", {map, name + ".shape"});
    return node("Transpose", name + "_cells", {flat}, {{"perm", Ints{0, 2, 1}}});
  }

  cnn::Graph graph_;
  Random random_{7};
};

}  // namespace hyps::test
