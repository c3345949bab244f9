#include "common/planning/speed.hpp"

#include <algorithm>
#include <cmath>

namespace hyps::planning {

namespace {

constexpr double kAssumedGflopsPerCore = 4;  // a small ARM core
constexpr double kFlopsPerWeightByte = 4;    // that a device does while it reads a byte of weights

double cores_of(const Device& device) { return std::max(1, device.cores); }

bool is_measured(const Device& device) { return std::isfinite(device.gflops) && device.gflops > 0; }

double usual_gflops_per_core(const std::vector<Device>& devices) {
  std::vector<double> measured;
  for (const auto& device : devices) {
    if (is_measured(device)) measured.push_back(device.gflops / cores_of(device));
  }
  if (measured.empty()) return kAssumedGflopsPerCore;
  std::sort(measured.begin(), measured.end());
  return measured[measured.size() / 2];
}

}  // namespace

std::map<WorkerId, double> speeds_of(const std::vector<Device>& devices) {
  const double per_core = usual_gflops_per_core(devices);
  std::map<WorkerId, double> speeds;
  for (const auto& device : devices) {
    const double gflops = is_measured(device) ? device.gflops : per_core * cores_of(device);
    speeds[device.id] = gflops * 1e9;
  }
  return speeds;
}

double pipeline_flops(const cnn::Cost& cost) {
  return static_cast<double>(cost.flops) +
         kFlopsPerWeightByte * static_cast<double>(cost.weight_bytes);
}

double bytes_moved(const partition::Partition& part) {
  double bytes = 0;
  for (const auto* values : {&part.inputs, &part.outputs}) {
    for (const auto& value : *values) {
      if (!value.shape.empty())
        bytes += static_cast<double>(value.bytes());  // not image and answer
    }
  }
  return bytes;
}

double busy_s(const partition::Partition& part, double flops_per_s, const Link& link) {
  return pipeline_flops(part.cost) / flops_per_s + bytes_moved(part) / link.bytes_per_second;
}

}  // namespace hyps::planning
