// ResNet-50: He et al. 2016, with the stride in the 3x3 convolution as torchvision has it.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Stage {
  std::int64_t width;
  int blocks;
};
constexpr std::array<Stage, 4> stages{{{64, 3}, {128, 4}, {256, 6}, {512, 3}}};
constexpr std::int64_t expansion = 4;

Map conv_norm_relu(Builder& net, const std::string& name, const Map& x, Conv spec) {
  spec.bias = false;
  return net.relu(name + ".relu", net.batch_norm(name + ".bn", net.conv(name, x, spec)));
}

// Narrow, filter, widen; a shortcut joins the ends.
Map bottleneck(Builder& net, const std::string& name, const Map& x, std::int64_t width,
               std::int64_t stride) {
  const std::int64_t channels = width * expansion;
  Map y = conv_norm_relu(net, name + ".conv1", x, {.channels = width});
  y = conv_norm_relu(net, name + ".conv2", y,
                     {.channels = width, .kernel = 3, .stride = stride, .pad = 1});
  y = net.conv(name + ".conv3", y, {.channels = channels, .bias = false}, Gain::linear);
  y = net.batch_norm(name + ".conv3.bn", y);
  Map shortcut = x;
  if (stride != 1 || x.channels != channels) {
    const Conv project{.channels = channels, .stride = stride, .bias = false};
    shortcut = net.conv(name + ".downsample", x, project, Gain::linear);
    shortcut = net.batch_norm(name + ".downsample.bn", shortcut);
  }
  return net.relu(name + ".relu", net.add(name + ".add", y, shortcut));
}

}  // namespace

Map resnet50(Builder& net) {
  Map x = conv_norm_relu(net, "conv1", net.input(),
                         {.channels = 64, .kernel = 7, .stride = 2, .pad = 3});
  x = net.max_pool("pool1", x, {.kernel = 3, .stride = 2, .pad = 1});
  int number = 0;
  for (const Stage& stage : stages) {
    ++number;
    for (int i = 0; i < stage.blocks; ++i) {
      const std::string name = "layer" + std::to_string(number) + "." + std::to_string(i);
      x = bottleneck(net, name, x, stage.width, number > 1 && i == 0 ? 2 : 1);
    }
  }
  x = net.flatten("flatten", net.global_average_pool("pool5", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
