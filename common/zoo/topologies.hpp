// The topologies, one file each.
#pragma once

#include "common/zoo/builder.hpp"

namespace hyps::zoo {

// Each adds its layers to the builder and returns its output.
Map alexnet(Builder& net);
Map densenet121(Builder& net);
Map googlenet(Builder& net);
Map inception_v3(Builder& net);
Map mobilenet_v2(Builder& net);
Map resnet18(Builder& net);
Map resnet50(Builder& net);
Map shufflenet(Builder& net);
Map squeezenet1_1(Builder& net);
Map unet(Builder& net);
Map vgg16(Builder& net);
Map yolov2(Builder& net);

}  // namespace hyps::zoo
