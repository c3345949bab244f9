// YOLOv2 for COCO: Redmon and Farhadi 2017 (YOLO9000), for 608x608 pictures. The output is the raw
// map of 5 anchors with 4 coordinates, 1 objectness and 80 classes each.
#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

constexpr float slope = 0.1F;

Map layer(Builder& net, const std::string& name, const Map& x, std::int64_t channels,
          std::int64_t kernel) {
  const Conv spec{.channels = channels, .kernel = kernel, .pad = kernel / 2, .bias = false};
  return net.leaky_relu(name + ".leaky", net.batch_norm(name + ".bn", net.conv(name, x, spec)),
                        slope);
}

// 3x3 convolutions with narrow 1x1 ones between them, as many in all as `count`.
Map stage(Builder& net, int& number, Map x, std::int64_t channels, int count) {
  for (int i = 0; i < count; ++i) {
    const bool narrow = i % 2 == 1;
    x = layer(net, "conv" + std::to_string(++number), x, narrow ? channels / 2 : channels,
              narrow ? 1 : 3);
  }
  return x;
}

}  // namespace

Map yolov2(Builder& net) {
  const Pool half;
  int number = 0;
  Map x = stage(net, number, net.input(), 32, 1);
  x = stage(net, number, net.max_pool("pool1", x, half), 64, 1);
  x = stage(net, number, net.max_pool("pool2", x, half), 128, 3);
  x = stage(net, number, net.max_pool("pool3", x, half), 256, 3);
  const Map fine = stage(net, number, net.max_pool("pool4", x, half), 512, 5);
  x = stage(net, number, net.max_pool("pool5", fine, half), 1024, 5);
  x = layer(net, "conv19", x, 1024, 3);
  x = layer(net, "conv20", x, 1024, 3);
  const Map passed = net.space_to_depth("passthrough", layer(net, "conv21", fine, 64, 1), 38);
  x = layer(net, "conv22", net.concat("concat", {passed, x}), 1024, 3);
  return net.conv("conv23", x, {.channels = 425}, Gain::linear);
}

}  // namespace hyps::zoo
