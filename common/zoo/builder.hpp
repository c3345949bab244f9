// Builder: layers to nodes with seeded weights. Each call adds a node whose output has the node's
// name, and returns it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/random.hpp"
#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::zoo {

// A value under construction.
struct Map {
  std::string name;
  std::int64_t channels = 0;
};

struct Conv {
  std::int64_t channels = 0;  // of the output
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t pad = 0;
  std::int64_t groups = 1;
  bool bias = true;
};

// Of a filter that is longer in one direction: 1x7, 7x1. Padded to keep the size.
struct Oblong {
  std::int64_t channels = 0;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
};

struct Pool {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t pad = 0;
  bool ceil = false;
};

// Whether a ReLU follows, which halves the variance the weights then make up for.
enum class Gain { relu, linear };

class Builder {
 public:
  // With the input "input", [1,3,side,side].
  Builder(std::string name, std::uint64_t seed, std::int64_t side);

  [[nodiscard]] Map input() const { return {"input", 3}; }
  Map conv(const std::string& name, const Map& x, const Conv& spec, Gain gain = Gain::relu);
  Map conv(const std::string& name, const Map& x, const Oblong& spec);  // without a bias
  Map conv_transpose(const std::string& name, const Map& x, const Conv& spec);
  Map batch_norm(const std::string& name, const Map& x, float epsilon = 1e-5F);
  Map relu(const std::string& name, const Map& x);
  Map relu6(const std::string& name, const Map& x);
  Map leaky_relu(const std::string& name, const Map& x, float alpha);
  Map sigmoid(const std::string& name, const Map& x);
  Map max_pool(const std::string& name, const Map& x, const Pool& spec);
  Map average_pool(const std::string& name, const Map& x, const Pool& spec);  // pads count
  Map global_average_pool(const std::string& name, const Map& x);
  Map add(const std::string& name, const Map& a, const Map& b);
  Map concat(const std::string& name, const std::vector<Map>& maps);
  // The first half of the channels, and the second.
  std::pair<Map, Map> halves(const std::string& name, const Map& x);
  // Channels dealt out to as many hands as there are groups (Zhang et al. 2017, figure 1).
  Map shuffle(const std::string& name, const Map& x, std::int64_t groups, std::int64_t side);
  // [1,C,side,side] → [1,4C,side/2,side/2]: what YOLO9000 calls a passthrough layer.
  Map space_to_depth(const std::string& name, const Map& x, std::int64_t side);
  // `area`: how many positions the map has. [1,C,H,W] → [1,C*H*W]
  Map flatten(const std::string& name, const Map& x, std::int64_t area);
  Map fully_connected(const std::string& name, const Map& x, std::int64_t neurons,
                      Gain gain = Gain::relu);

  Result<cnn::Graph> finish(const Map& output);

 private:
  Map node(cnn::Node node, std::int64_t channels);
  std::string weight(const std::string& name, cnn::Shape shape, float low, float high);
  std::string weight(const std::string& name, cnn::Shape shape, std::int64_t fan_in, Gain gain);
  Map pool(const char* op, const std::string& name, const Map& x, const Pool& spec);
  Map reshape(const std::string& name, const Map& x, const cnn::Shape& shape);
  Map transpose(const std::string& name, const Map& x, const std::vector<std::int64_t>& order);
  std::string integers(const std::string& name, const std::vector<std::int64_t>& values);
  std::string constant(const std::string& name, float value);

  cnn::Graph graph_;
  Random random_;  // seeds the generator of each tensor
};

}  // namespace hyps::zoo
