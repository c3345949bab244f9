// ResNet-18: He et al. 2016.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

constexpr std::array<std::int64_t, 4> stage_channels{64, 128, 256, 512};
constexpr int blocks_per_stage = 2;

// Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the size changes.
Map block(Builder& net, const std::string& name, const Map& x, std::int64_t channels,
          std::int64_t stride) {
  const Conv first{.channels = channels, .kernel = 3, .stride = stride, .pad = 1, .bias = false};
  const Conv second{.channels = channels, .kernel = 3, .pad = 1, .bias = false};
  Map y = net.batch_norm(name + ".bn1", net.conv(name + ".conv1", x, first));
  y = net.conv(name + ".conv2", net.relu(name + ".relu1", y), second, Gain::linear);
  y = net.batch_norm(name + ".bn2", y);
  Map shortcut = x;
  if (stride != 1 || x.channels != channels) {
    const Conv project{.channels = channels, .stride = stride, .bias = false};
    shortcut = net.conv(name + ".downsample", x, project, Gain::linear);
    shortcut = net.batch_norm(name + ".downsample.bn", shortcut);
  }
  return net.relu(name + ".relu2", net.add(name + ".add", y, shortcut));
}

}  // namespace

Map resnet18(Builder& net) {
  Map x = net.conv("conv1", net.input(),
                   {.channels = 64, .kernel = 7, .stride = 2, .pad = 3, .bias = false});
  x = net.relu("relu1", net.batch_norm("bn1", x));
  x = net.max_pool("pool1", x, {.kernel = 3, .stride = 2, .pad = 1});
  int stage = 0;
  for (const std::int64_t channels : stage_channels) {
    ++stage;
    for (int i = 0; i < blocks_per_stage; ++i) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(i);
      x = block(net, name, x, channels, stage > 1 && i == 0 ? 2 : 1);
    }
  }
  x = net.flatten("flatten", net.global_average_pool("pool5", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
