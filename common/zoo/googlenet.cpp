// GoogLeNet (Inception v1): Szegedy et al. 2014, with batch normalization as torchvision has it.
#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Inception {
  std::int64_t direct;         // 1x1
  std::int64_t reduce3, out3;  // 1x1, then 3x3
  std::int64_t reduce5, out5;  // 1x1, then the paper's 5x5, here 3x3
  std::int64_t pooled;         // 3x3 pooling, then 1x1
};

Map conv_norm_relu(Builder& net, const std::string& name, const Map& x, Conv spec) {
  spec.bias = false;
  const Map norm = net.batch_norm(name + ".bn", net.conv(name, x, spec), 1e-3F);
  return net.relu(name + ".relu", norm);
}

Map inception(Builder& net, const std::string& name, const Map& x, const Inception& size) {
  const Map one = conv_norm_relu(net, name + ".1x1", x, {.channels = size.direct});
  Map three = conv_norm_relu(net, name + ".3x3_reduce", x, {.channels = size.reduce3});
  three = conv_norm_relu(net, name + ".3x3", three, {.channels = size.out3, .kernel = 3, .pad = 1});
  Map five = conv_norm_relu(net, name + ".5x5_reduce", x, {.channels = size.reduce5});
  five = conv_norm_relu(net, name + ".5x5", five, {.channels = size.out5, .kernel = 3, .pad = 1});
  Map pool = net.max_pool(name + ".pool", x, {.kernel = 3, .stride = 1, .pad = 1, .ceil = true});
  pool = conv_norm_relu(net, name + ".pool_proj", pool, {.channels = size.pooled});
  return net.concat(name, {one, three, five, pool});
}

}  // namespace

Map googlenet(Builder& net) {
  const Pool pool{.kernel = 3, .stride = 2, .ceil = true};
  Map x = conv_norm_relu(net, "conv1", net.input(),
                         {.channels = 64, .kernel = 7, .stride = 2, .pad = 3});
  x = net.max_pool("pool1", x, pool);
  x = conv_norm_relu(net, "conv2_reduce", x, {.channels = 64});
  x = conv_norm_relu(net, "conv2", x, {.channels = 192, .kernel = 3, .pad = 1});
  x = net.max_pool("pool2", x, pool);
  x = inception(net, "inception3a", x, {64, 96, 128, 16, 32, 32});
  x = inception(net, "inception3b", x, {128, 128, 192, 32, 96, 64});
  x = net.max_pool("pool3", x, pool);
  x = inception(net, "inception4a", x, {192, 96, 208, 16, 48, 64});
  x = inception(net, "inception4b", x, {160, 112, 224, 24, 64, 64});
  x = inception(net, "inception4c", x, {128, 128, 256, 24, 64, 64});
  x = inception(net, "inception4d", x, {112, 144, 288, 32, 64, 64});
  x = inception(net, "inception4e", x, {256, 160, 320, 32, 128, 128});
  x = net.max_pool("pool4", x, {.kernel = 2, .stride = 2, .ceil = true});
  x = inception(net, "inception5a", x, {256, 160, 320, 32, 128, 128});
  x = inception(net, "inception5b", x, {384, 192, 384, 48, 128, 128});
  x = net.flatten("flatten", net.global_average_pool("pool5", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
