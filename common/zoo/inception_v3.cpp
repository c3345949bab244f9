// Inception v3: Szegedy et al. 2016, for 299x299 pictures; without the auxiliary head.
#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

constexpr float epsilon = 1e-3F;

Map norm_relu(Builder& net, const std::string& name, const Map& x) {
  return net.relu(name + ".relu", net.batch_norm(name + ".bn", x, epsilon));
}

Map conv(Builder& net, const std::string& name, const Map& x, Conv spec) {
  spec.bias = false;
  return norm_relu(net, name, net.conv(name, x, spec));
}

Map conv(Builder& net, const std::string& name, const Map& x, const Oblong& spec) {
  return norm_relu(net, name, net.conv(name, x, spec));
}

// Averages, then a 1x1 convolution.
Map pooled(Builder& net, const std::string& name, const Map& x, std::int64_t channels) {
  const Map pool = net.average_pool(name + ".pool", x, {.kernel = 3, .stride = 1, .pad = 1});
  return conv(net, name + ".pool_proj", pool, Conv{.channels = channels});
}

// Figure 5: 5x5, and 5x5 as two of 3x3.
Map module_a(Builder& net, const std::string& name, const Map& x, std::int64_t pool_channels) {
  const Map one = conv(net, name + ".1x1", x, Conv{.channels = 64});
  Map five = conv(net, name + ".5x5_1", x, Conv{.channels = 48});
  five = conv(net, name + ".5x5_2", five, Conv{.channels = 64, .kernel = 5, .pad = 2});
  Map twice = conv(net, name + ".3x3dbl_1", x, Conv{.channels = 64});
  twice = conv(net, name + ".3x3dbl_2", twice, Conv{.channels = 96, .kernel = 3, .pad = 1});
  twice = conv(net, name + ".3x3dbl_3", twice, Conv{.channels = 96, .kernel = 3, .pad = 1});
  return net.concat(name, {one, five, twice, pooled(net, name, x, pool_channels)});
}

// Figure 10: halves the size.
Map reduction_b(Builder& net, const std::string& name, const Map& x) {
  const Map three = conv(net, name + ".3x3", x, Conv{.channels = 384, .kernel = 3, .stride = 2});
  Map twice = conv(net, name + ".3x3dbl_1", x, Conv{.channels = 64});
  twice = conv(net, name + ".3x3dbl_2", twice, Conv{.channels = 96, .kernel = 3, .pad = 1});
  twice = conv(net, name + ".3x3dbl_3", twice, Conv{.channels = 96, .kernel = 3, .stride = 2});
  const Map pool = net.max_pool(name + ".pool", x, {.kernel = 3, .stride = 2});
  return net.concat(name, {three, twice, pool});
}

// Figure 6: 7x7 as 1x7 and 7x1.
Map module_c(Builder& net, const std::string& name, const Map& x, std::int64_t width) {
  const Map one = conv(net, name + ".1x1", x, Conv{.channels = 192});
  Map seven = conv(net, name + ".7x7_1", x, Conv{.channels = width});
  seven = conv(net, name + ".7x7_2", seven, Oblong{width, 1, 7});
  seven = conv(net, name + ".7x7_3", seven, Oblong{192, 7, 1});
  Map twice = conv(net, name + ".7x7dbl_1", x, Conv{.channels = width});
  twice = conv(net, name + ".7x7dbl_2", twice, Oblong{width, 7, 1});
  twice = conv(net, name + ".7x7dbl_3", twice, Oblong{width, 1, 7});
  twice = conv(net, name + ".7x7dbl_4", twice, Oblong{width, 7, 1});
  twice = conv(net, name + ".7x7dbl_5", twice, Oblong{192, 1, 7});
  return net.concat(name, {one, seven, twice, pooled(net, name, x, 192)});
}

Map reduction_d(Builder& net, const std::string& name, const Map& x) {
  Map three = conv(net, name + ".3x3_1", x, Conv{.channels = 192});
  three = conv(net, name + ".3x3_2", three, Conv{.channels = 320, .kernel = 3, .stride = 2});
  Map seven = conv(net, name + ".7x7x3_1", x, Conv{.channels = 192});
  seven = conv(net, name + ".7x7x3_2", seven, Oblong{192, 1, 7});
  seven = conv(net, name + ".7x7x3_3", seven, Oblong{192, 7, 1});
  seven = conv(net, name + ".7x7x3_4", seven, Conv{.channels = 192, .kernel = 3, .stride = 2});
  const Map pool = net.max_pool(name + ".pool", x, {.kernel = 3, .stride = 2});
  return net.concat(name, {three, seven, pool});
}

// 1x3 and 3x1 beside each other.
Map fork(Builder& net, const std::string& name, const Map& x) {
  const Map wide = conv(net, name + "a", x, Oblong{384, 1, 3});
  const Map tall = conv(net, name + "b", x, Oblong{384, 3, 1});
  return net.concat(name, {wide, tall});
}

// Figure 7: wide, for the smallest maps.
Map module_e(Builder& net, const std::string& name, const Map& x) {
  const Map one = conv(net, name + ".1x1", x, Conv{.channels = 320});
  Map three = conv(net, name + ".3x3_1", x, Conv{.channels = 384});
  three = fork(net, name + ".3x3_2", three);
  Map twice = conv(net, name + ".3x3dbl_1", x, Conv{.channels = 448});
  twice = conv(net, name + ".3x3dbl_2", twice, Conv{.channels = 384, .kernel = 3, .pad = 1});
  twice = fork(net, name + ".3x3dbl_3", twice);
  return net.concat(name, {one, three, twice, pooled(net, name, x, 192)});
}

}  // namespace

Map inception_v3(Builder& net) {
  const Pool pool{.kernel = 3, .stride = 2};
  Map x = conv(net, "conv1a", net.input(), Conv{.channels = 32, .kernel = 3, .stride = 2});
  x = conv(net, "conv2a", x, Conv{.channels = 32, .kernel = 3});
  x = conv(net, "conv2b", x, Conv{.channels = 64, .kernel = 3, .pad = 1});
  x = net.max_pool("pool1", x, pool);
  x = conv(net, "conv3b", x, Conv{.channels = 80});
  x = conv(net, "conv4a", x, Conv{.channels = 192, .kernel = 3});
  x = net.max_pool("pool2", x, pool);
  x = module_a(net, "mixed5b", x, 32);
  x = module_a(net, "mixed5c", x, 64);
  x = module_a(net, "mixed5d", x, 64);
  x = reduction_b(net, "mixed6a", x);
  x = module_c(net, "mixed6b", x, 128);
  x = module_c(net, "mixed6c", x, 160);
  x = module_c(net, "mixed6d", x, 160);
  x = module_c(net, "mixed6e", x, 192);
  x = reduction_d(net, "mixed7a", x);
  x = module_e(net, "mixed7b", x);
  x = module_e(net, "mixed7c", x);
  x = net.flatten("flatten", net.global_average_pool("pool3", x), 1);
  return net.fully_connected("fc", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
