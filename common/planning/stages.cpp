#include "common/planning/stages.hpp"

#include <algorithm>

#include "common/planning/balance.hpp"
#include "common/planning/speed.hpp"

namespace hyps::planning {

namespace {

constexpr double kNegligible = 1.02;

double bytes_of(const std::vector<cnn::Value>& values) {
  double bytes = 0;
  for (const auto& value : values) bytes += static_cast<double>(value.bytes());
  return bytes;
}

Chain chain_of(const cnn::Graph& graph, const std::vector<partition::Layer>& layers) {
  Chain chain;
  chain.cross_bytes.push_back(bytes_of(graph.inputs));
  for (const auto& layer : layers) chain.flops.push_back(pipeline_flops(layer.cost));
  for (const auto& point : partition::split_points(graph, layers, {})) {
    chain.cross_bytes.push_back(static_cast<double>(point.bytes));
  }
  chain.cross_bytes.push_back(bytes_of(graph.outputs));
  return chain;
}

}  // namespace

std::optional<std::vector<std::string>> balanced_cuts(const cnn::Graph& graph,
                                                      const std::vector<Device>& devices,
                                                      std::int64_t budget_bytes, const Link& link) {
  const auto layers = partition::layers_of(graph);
  const auto reach =
      partition::reach_of(graph, layers, {partition::Threshold::Unit::bytes, budget_bytes});
  for (std::size_t i = 0; i < reach.size(); ++i) {
    if (reach[i] == i) return std::nullopt;
  }
  const auto speeds = speeds_of(devices);
  std::vector<Station> stations;
  for (const auto& device : devices) {
    if (device.quarantined || device.memory_bytes < budget_bytes) continue;
    stations.push_back({speeds.at(device.id), device.safe_zone, reach});
  }
  const auto stages = balance(chain_of(graph, layers), stations, link.bytes_per_second);
  if (!stages) return std::nullopt;
  std::vector<std::string> cuts;
  for (std::size_t i = 1; i < stages->begins.size(); ++i) {
    cuts.push_back(layers[stages->begins[i] - 1].name);
  }
  return cuts;
}

partition::Plan best_for_throughput(std::vector<partition::Plan> plans,
                                    const std::vector<Device>& devices, const Link& link) {
  std::vector<double> intervals_s;
  for (const auto& plan : plans) {
    intervals_s.push_back(predict_interval_s(plan, place(plan, devices, {}, {}), devices, link));
  }
  const double least_s = *std::min_element(intervals_s.begin(), intervals_s.end());
  const auto chosen = std::find_if(intervals_s.begin(), intervals_s.end(), [&](double interval_s) {
    return interval_s <= least_s * kNegligible;
  });
  return std::move(plans[static_cast<std::size_t>(chosen - intervals_s.begin())]);
}

}  // namespace hyps::planning
