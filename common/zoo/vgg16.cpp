// VGG-16, configuration D: Simonyan and Zisserman 2014.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Stage {
  std::int64_t channels;
  int convs;
};
constexpr std::array<Stage, 5> stages{{{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}};

}  // namespace

Map vgg16(Builder& net) {
  Map x = net.input();
  int number = 0;
  for (const Stage& stage : stages) {
    ++number;
    for (int i = 1; i <= stage.convs; ++i) {
      const std::string id = std::to_string(number) + "_" + std::to_string(i);
      x = net.conv("conv" + id, x, {.channels = stage.channels, .kernel = 3, .pad = 1});
      x = net.relu("relu" + id, x);
    }
    x = net.max_pool("pool" + std::to_string(number), x, {.kernel = 2, .stride = 2});
  }
  x = net.flatten("flatten", x, 7 * 7);
  x = net.relu("relu6", net.fully_connected("fc6", x, 4096));
  x = net.relu("relu7", net.fully_connected("fc7", x, 4096));
  return net.fully_connected("fc8", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
