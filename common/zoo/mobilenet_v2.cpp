// MobileNetV2: Sandler et al. 2018.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Stage {
  std::int64_t expansion, channels;
  int blocks;
  std::int64_t stride;  // of the first block
};
constexpr std::array<Stage, 7> stages{{{1, 16, 1, 1},
                                       {6, 24, 2, 2},
                                       {6, 32, 3, 2},
                                       {6, 64, 4, 2},
                                       {6, 96, 3, 1},
                                       {6, 160, 3, 2},
                                       {6, 320, 1, 1}}};

Map conv_norm_relu6(Builder& net, const std::string& name, const Map& x, Conv spec) {
  spec.bias = false;
  return net.relu6(name + ".relu6", net.batch_norm(name + ".bn", net.conv(name, x, spec)));
}

// Widen, filter each channel by itself, narrow without an activation; a shortcut joins the ends.
Map inverted_residual(Builder& net, const std::string& name, const Map& x, const Stage& stage,
                      std::int64_t stride) {
  const std::int64_t width = x.channels * stage.expansion;
  Map y = x;
  if (stage.expansion != 1) y = conv_norm_relu6(net, name + ".expand", y, {.channels = width});
  y = conv_norm_relu6(
      net, name + ".depthwise", y,
      {.channels = width, .kernel = 3, .stride = stride, .pad = 1, .groups = width});
  y = net.conv(name + ".project", y, {.channels = stage.channels, .bias = false}, Gain::linear);
  y = net.batch_norm(name + ".project.bn", y);
  const bool shortcut = stride == 1 && x.channels == stage.channels;
  return shortcut ? net.add(name + ".add", x, y) : y;
}

}  // namespace

Map mobilenet_v2(Builder& net) {
  Map x = conv_norm_relu6(net, "conv1", net.input(),
                          {.channels = 32, .kernel = 3, .stride = 2, .pad = 1});
  int number = 0;
  for (const Stage& stage : stages) {
    for (int i = 0; i < stage.blocks; ++i) {
      const std::string name = "block" + std::to_string(++number);
      x = inverted_residual(net, name, x, stage, i == 0 ? stage.stride : 1);
    }
  }
  x = conv_norm_relu6(net, "conv_last", x, {.channels = 1280});
  x = net.flatten("flatten", net.global_average_pool("pool", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
