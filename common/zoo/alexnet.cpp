// AlexNet in the single-column form of Krizhevsky 2014.
#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

Map alexnet(Builder& net) {
  const Pool pool{.kernel = 3, .stride = 2};
  Map x = net.input();
  x = net.conv("conv1", x, {.channels = 64, .kernel = 11, .stride = 4, .pad = 2});
  x = net.max_pool("pool1", net.relu("relu1", x), pool);
  x = net.conv("conv2", x, {.channels = 192, .kernel = 5, .pad = 2});
  x = net.max_pool("pool2", net.relu("relu2", x), pool);
  x = net.relu("relu3", net.conv("conv3", x, {.channels = 384, .kernel = 3, .pad = 1}));
  x = net.relu("relu4", net.conv("conv4", x, {.channels = 256, .kernel = 3, .pad = 1}));
  x = net.relu("relu5", net.conv("conv5", x, {.channels = 256, .kernel = 3, .pad = 1}));
  x = net.max_pool("pool5", x, pool);
  x = net.flatten("flatten", x, 6 * 6);
  x = net.relu("relu6", net.fully_connected("fc6", x, 4096));
  x = net.relu("relu7", net.fully_connected("fc7", x, 4096));
  return net.fully_connected("fc8", x, 1000, Gain::linear);
}

}  // namespace hyps::zoo
