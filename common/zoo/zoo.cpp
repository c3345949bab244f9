#include "common/zoo/zoo.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "common/zoo/topologies.hpp"

namespace hyps::zoo {

namespace {

struct Topology {
  std::string_view name;
  Map (*build)(Builder&);
  std::int64_t side = 224;  // of the picture
};

constexpr std::array<Topology, 12> topologies{{{"alexnet", alexnet},
                                               {"densenet121", densenet121},
                                               {"googlenet", googlenet},
                                               {"inception_v3", inception_v3, 299},
                                               {"mobilenet_v2", mobilenet_v2},
                                               {"resnet18", resnet18},
                                               {"resnet50", resnet50},
                                               {"shufflenet", shufflenet},
                                               {"squeezenet1_1", squeezenet1_1},
                                               {"unet", unet, 256},
                                               {"vgg16", vgg16},
                                               {"yolov2", yolov2, 608}}};

}  // namespace

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const Topology& topology : topologies) list.emplace_back(topology.name);
  return list;
}

Result<cnn::Graph> make(const std::string& name, std::uint64_t seed) {
  for (const Topology& topology : topologies) {
    if (topology.name != name) continue;
    Builder net(name, seed, topology.side);
    const Map output = topology.build(net);
    return net.finish(output);
  }
  return Error{ErrorKind::not_found,
               fmt::format("the zoo has no '{}'; it has: {}", name, fmt::join(names(), ", "))};
}

}  // namespace hyps::zoo
