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
};

constexpr std::array<Topology, 6> topologies{{{"alexnet", alexnet},
                                              {"googlenet", googlenet},
                                              {"mobilenet_v2", mobilenet_v2},
                                              {"resnet18", resnet18},
                                              {"squeezenet1_1", squeezenet1_1},
                                              {"vgg16", vgg16}}};

}  // namespace

std::vector<std::string> names() {
  std::vector<std::string> list;
  for (const Topology& topology : topologies) list.emplace_back(topology.name);
  return list;
}

Result<cnn::Graph> make(const std::string& name, std::uint64_t seed) {
  for (const Topology& topology : topologies) {
    if (topology.name != name) continue;
    Builder net(name, seed);
    const Map logits = topology.build(net);
    return net.finish(logits);
  }
  return Error{ErrorKind::not_found,
               fmt::format("the zoo has no '{}'; it has: {}", name, fmt::join(names(), ", "))};
}

}  // namespace hyps::zoo
