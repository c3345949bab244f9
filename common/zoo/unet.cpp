// U-Net: Ronneberger et al. 2015, padded and with batch normalization (Buda et al. 2019), for
// 256x256 pictures. The output is the probability of each pixel, [1,1,256,256].
#include <vector>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

constexpr int depth = 4;
constexpr std::int64_t first_channels = 32;

Map twice(Builder& net, const std::string& name, Map x, std::int64_t channels) {
  for (const char* number : {".conv1", ".conv2"}) {
    const std::string conv = name + number;
    const Conv spec{.channels = channels, .kernel = 3, .pad = 1, .bias = false};
    x = net.relu(conv + ".relu", net.batch_norm(conv + ".bn", net.conv(conv, x, spec)));
  }
  return x;
}

}  // namespace

Map unet(Builder& net) {
  std::vector<Map> skipped;
  Map x = net.input();
  std::int64_t channels = first_channels;
  for (int i = 1; i <= depth; ++i, channels *= 2) {
    const std::string name = "encoder" + std::to_string(i);
    skipped.push_back(twice(net, name, x, channels));
    x = net.max_pool(name + ".pool", skipped.back(), {});
  }
  x = twice(net, "bottleneck", x, channels);
  for (int i = depth; i >= 1; --i) {
    channels /= 2;
    const std::string name = "decoder" + std::to_string(i);
    x = net.conv_transpose(name + ".up", x, {.channels = channels, .kernel = 2, .stride = 2});
    x = net.concat(name + ".concat", {x, skipped[static_cast<std::size_t>(i - 1)]});
    x = twice(net, name, x, channels);
  }
  return net.sigmoid("mask", net.conv("conv", x, {.channels = 1}, Gain::linear));
}

}  // namespace hyps::zoo
