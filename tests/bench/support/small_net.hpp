// A network as small as one for handwritten digits: [1,3,28,28] → 10 scores.
#pragma once

#include "common/zoo/builder.hpp"

namespace hyps::bench {

inline Result<cnn::Graph> small_net() {
  zoo::Builder net("small", 1, 28);
  zoo::Map x =
      net.relu("relu1", net.conv("conv1", net.input(), {.channels = 8, .kernel = 5, .pad = 2}));
  x = net.max_pool("pool1", x, {});
  x = net.relu("relu2", net.conv("conv2", x, {.channels = 16, .kernel = 5, .pad = 2}));
  x = net.max_pool("pool2", x, {.kernel = 3, .stride = 3});
  return net.finish(
      net.fully_connected("fc", net.flatten("flatten", x, 4 * 4), 10, zoo::Gain::linear));
}

}  // namespace hyps::bench
