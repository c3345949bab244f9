// SqueezeNet 1.1: Iandola et al. 2016, in its cheaper second version.
#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

Map conv_relu(Builder& net, const std::string& name, const Map& x, const Conv& spec) {
  return net.relu(name + ".relu", net.conv(name, x, spec));
}

// Squeeze to few channels, expand with 1x1 and 3x3 side by side.
Map fire(Builder& net, const std::string& name, const Map& x, std::int64_t squeeze,
         std::int64_t expand) {
  const Map small = conv_relu(net, name + ".squeeze", x, {.channels = squeeze});
  const Map narrow = conv_relu(net, name + ".expand1x1", small, {.channels = expand});
  const Map wide =
      conv_relu(net, name + ".expand3x3", small, {.channels = expand, .kernel = 3, .pad = 1});
  return net.concat(name, {narrow, wide});
}

}  // namespace

Map squeezenet1_1(Builder& net) {
  const Pool pool{.kernel = 3, .stride = 2, .ceil = true};
  Map x = conv_relu(net, "conv1", net.input(), {.channels = 64, .kernel = 3, .stride = 2});
  x = net.max_pool("pool1", x, pool);
  x = fire(net, "fire2", x, 16, 64);
  x = fire(net, "fire3", x, 16, 64);
  x = net.max_pool("pool3", x, pool);
  x = fire(net, "fire4", x, 32, 128);
  x = fire(net, "fire5", x, 32, 128);
  x = net.max_pool("pool5", x, pool);
  x = fire(net, "fire6", x, 48, 192);
  x = fire(net, "fire7", x, 48, 192);
  x = fire(net, "fire8", x, 64, 256);
  x = fire(net, "fire9", x, 64, 256);
  x = conv_relu(net, "conv10", x, {.channels = 1000});
  return net.flatten("logits", net.global_average_pool("pool10", x), 1);
}

}  // namespace hyps::zoo
