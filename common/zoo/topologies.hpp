// The topologies, one file each.
#pragma once

#include "common/zoo/builder.hpp"

namespace hyps::zoo {

// Each adds its layers to the builder and returns its logits.
Map alexnet(Builder& net);
Map googlenet(Builder& net);
Map mobilenet_v2(Builder& net);
Map resnet18(Builder& net);
Map squeezenet1_1(Builder& net);
Map vgg16(Builder& net);

}  // namespace hyps::zoo
