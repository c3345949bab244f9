// DenseNet-121: Huang et al. 2017.
#include <array>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

constexpr std::array<int, 4> layers_per_block{6, 12, 24, 16};
constexpr std::int64_t growth = 32;
constexpr std::int64_t bottleneck = 4;  // times the growth

// Normalize, activate, then filter: the other way round than elsewhere.
Map norm_relu_conv(Builder& net, const std::string& name, const Map& x, Conv spec) {
  spec.bias = false;
  return net.conv(name, net.relu(name + ".relu", net.batch_norm(name + ".bn", x)), spec);
}

// Every layer sees the maps of all layers before it.
Map dense_layer(Builder& net, const std::string& name, const Map& x) {
  Map y = norm_relu_conv(net, name + ".conv1", x, {.channels = bottleneck * growth});
  y = norm_relu_conv(net, name + ".conv2", y, {.channels = growth, .kernel = 3, .pad = 1});
  return net.concat(name, {x, y});
}

Map transition(Builder& net, const std::string& name, const Map& x) {
  const Map y = norm_relu_conv(net, name + ".conv", x, {.channels = x.channels / 2});
  return net.average_pool(name + ".pool", y, {.kernel = 2, .stride = 2});
}

}  // namespace

Map densenet121(Builder& net) {
  Map x = net.conv("conv0", net.input(),
                   {.channels = 64, .kernel = 7, .stride = 2, .pad = 3, .bias = false});
  x = net.relu("relu0", net.batch_norm("norm0", x));
  x = net.max_pool("pool0", x, {.kernel = 3, .stride = 2, .pad = 1});
  int block = 0;
  for (const int layers : layers_per_block) {
    const std::string number = std::to_string(++block);
    for (int i = 1; i <= layers; ++i) {
      x = dense_layer(net, "block" + number + ".layer" + std::to_string(i), x);
    }
    if (block < 4) x = transition(net, "transition" + number, x);
  }
  x = net.relu("relu5", net.batch_norm("norm5", x));
  x = net.flatten("flatten", net.global_average_pool("pool5", x), 1);
  return net.fully_connected("classifier", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
