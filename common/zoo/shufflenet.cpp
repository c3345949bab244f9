// ShuffleNet v2, 1.0x: Ma et al. 2018.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Stage {
  std::int64_t channels;
  int blocks;
  std::int64_t side;  // of its maps
};
constexpr std::array<Stage, 3> stages{{{116, 4, 28}, {232, 8, 14}, {464, 4, 7}}};

Map conv_norm(Builder& net, const std::string& name, const Map& x, Conv spec, Gain gain) {
  spec.bias = false;
  return net.batch_norm(name + ".bn", net.conv(name, x, spec, gain));
}

Map pointwise(Builder& net, const std::string& name, const Map& x, std::int64_t channels) {
  return net.relu(name + ".relu", conv_norm(net, name, x, {.channels = channels}, Gain::relu));
}

Map depthwise(Builder& net, const std::string& name, const Map& x, std::int64_t stride) {
  const Conv spec{
      .channels = x.channels, .kernel = 3, .stride = stride, .pad = 1, .groups = x.channels};
  return conv_norm(net, name, x, spec, Gain::linear);
}

Map filtered(Builder& net, const std::string& name, const Map& x, std::int64_t channels,
             std::int64_t stride) {
  Map y = pointwise(net, name + ".pw1", x, channels);
  y = depthwise(net, name + ".dw", y, stride);
  return pointwise(net, name + ".pw2", y, channels);
}

// Figure 3d: both branches are filtered, and twice as wide together.
Map shrinking_block(Builder& net, const std::string& name, const Map& x, const Stage& stage) {
  const std::int64_t half = stage.channels / 2;
  Map left = depthwise(net, name + ".left.dw", x, 2);
  left = pointwise(net, name + ".left.pw", left, half);
  const Map right = filtered(net, name + ".right", x, half, 2);
  return net.shuffle(name, net.concat(name + ".concat", {left, right}), 2, stage.side);
}

// Figure 3c: half of the channels pass as they are.
Map block(Builder& net, const std::string& name, const Map& x, const Stage& stage) {
  const auto [kept, rest] = net.halves(name + ".split", x);
  const Map right = filtered(net, name + ".right", rest, rest.channels, 1);
  return net.shuffle(name, net.concat(name + ".concat", {kept, right}), 2, stage.side);
}

}  // namespace

Map shufflenet(Builder& net) {
  Map x = conv_norm(net, "conv1", net.input(), {.channels = 24, .kernel = 3, .stride = 2, .pad = 1},
                    Gain::relu);
  x = net.max_pool("pool1", net.relu("relu1", x), {.kernel = 3, .stride = 2, .pad = 1});
  int number = 1;
  for (const Stage& stage : stages) {
    const std::string name = "stage" + std::to_string(++number) + ".";
    x = shrinking_block(net, name + "0", x, stage);
    for (int i = 1; i < stage.blocks; ++i) x = block(net, name + std::to_string(i), x, stage);
  }
  x = pointwise(net, "conv5", x, 1024);
  x = net.flatten("flatten", net.global_average_pool("pool5", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
