// Plans for a stream of images.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "common/planning/planning.hpp"
#include "common/zoo/zoo.hpp"

namespace hyps::planning {
namespace {

using partition::Kind;
using partition::Objective;
using partition::Plan;

constexpr std::int64_t kMega = std::int64_t{1} << 20;
const Link kInstant{1e18, 0};

std::vector<Device> devices_of(const std::vector<double>& gflops, std::int64_t megabytes = 1024) {
  std::vector<Device> devices;
  for (std::size_t i = 0; i < gflops.size(); ++i) {
    Device device;
    device.id = WorkerId(fmt::format("d{}", i));
    device.memory_bytes = megabytes * kMega;
    device.safe_zone = true;
    device.gflops = gflops[i];
    devices.push_back(device);
  }
  return devices;
}

cnn::Graph network(const std::string& name) {
  auto graph = zoo::make(name, 1);
  EXPECT_TRUE(graph.ok());
  return std::move(graph).value();
}

struct Planned {
  Plan plan;
  Placement placement;
  double interval_s = 0;
};

Planned planned(const cnn::Graph& graph, const std::vector<Device>& devices, Objective objective,
                const Link& link = {}) {
  auto plan = plan_for(graph, "m", devices, objective);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  Planned result{std::move(plan).value(), {}, 0};
  result.placement = place(result.plan, devices, {}, {});
  EXPECT_TRUE(result.placement.unplaced.empty());
  result.interval_s = predict_interval_s(result.plan, result.placement, devices, link);
  return result;
}

TEST(Throughput, the_plan_says_what_it_is_for) {
  const auto graph = network("squeezenet1_1");
  const auto devices = devices_of({1, 1});
  EXPECT_EQ(planned(graph, devices, Objective::throughput).plan.objective, Objective::throughput);
  EXPECT_EQ(planned(graph, devices, Objective::latency).plan.objective, Objective::latency);
}

TEST(Throughput, never_has_a_longer_interval_than_the_plan_for_latency) {
  for (const char* name : {"resnet18", "googlenet", "mobilenet_v2"}) {
    const auto graph = network(name);
    for (const auto& gflops : std::vector<std::vector<double>>{
             {5}, {5, 5, 5}, {5, 5, 5, 5, 5, 5}, {20, 5, 5}, {16, 8, 4, 2}}) {
      SCOPED_TRACE(fmt::format("{} on {} devices", name, gflops.size()));
      const auto devices = devices_of(gflops);
      const auto stream = planned(graph, devices, Objective::throughput);
      const auto single = planned(graph, devices, Objective::latency);
      EXPECT_LE(stream.interval_s, single.interval_s * 1.021);
    }
  }
}

// Slow devices, for which moving is cheap.
TEST(Throughput, devices_of_different_speed_get_work_in_proportion) {
  for (const char* name : {"resnet18", "googlenet"}) {
    const auto graph = network(name);
    for (const auto& gflops :
         std::vector<std::vector<double>>{{0.1, 0.1, 0.1, 0.1}, {0.4, 0.2, 0.1}, {0.1, 0.3, 0.1}}) {
      const auto devices = devices_of(gflops);
      const auto alone = planned(graph, devices_of({gflops[0]}), Objective::throughput, kInstant);
      const auto stream = planned(graph, devices, Objective::throughput, kInstant);
      const double speed = std::accumulate(gflops.begin(), gflops.end(), 0.0);
      const double even_s = alone.interval_s * gflops[0] / speed;
      EXPECT_GE(even_s, stream.interval_s * 0.9) << name << " on " << gflops.size();
    }
  }
}

TEST(Throughput, keeps_to_the_memory_of_the_devices) {
  const auto graph = network("resnet18");
  const auto devices = devices_of({5, 5, 5}, 24);
  const auto stream = planned(graph, devices, Objective::throughput);
  std::map<WorkerId, std::int64_t> used;
  for (const auto& part : stream.plan.partitions) {
    EXPECT_LE(part.memory_bytes(), 24 * kMega) << part.name.text;
  }
}

TEST(Throughput, a_layer_too_large_for_any_device_is_sliced_all_the_same) {
  const auto graph = network("vgg16");
  const auto stream = planned(graph, devices_of({5, 5, 5, 5, 5}, 150), Objective::throughput);
  const auto is_slice = [](const auto& part) { return part.kind == Kind::horizontal; };
  EXPECT_TRUE(std::any_of(stream.plan.partitions.begin(), stream.plan.partitions.end(), is_slice));
}

TEST(Throughput, only_the_safe_zone_sees_image_and_answer) {
  const auto graph = network("resnet18");
  auto devices = devices_of({5, 5, 5});
  devices[0].safe_zone = devices[2].safe_zone = false;
  const auto stream = planned(graph, devices, Objective::throughput);
  for (const auto& part : stream.plan.partitions) {
    const std::string holder = stream.placement.worker_of.at(part.name).text;
    EXPECT_TRUE(!part.safe_zone || holder == "d1") << part.name.text << " on " << holder;
  }
}

TEST(Interval, is_the_work_of_the_busiest_device) {
  Plan plan;
  plan.objective = Objective::throughput;
  for (int i = 0; i < 2; ++i) {
    partition::Partition part;
    part.name = PartitionName(fmt::format("p{}", i));
    part.cost.flops = (i + 1) * std::int64_t{1'000'000'000};
    part.inputs = {{fmt::format("t{}", i), cnn::DType::u8, {kMega}}};
    part.outputs = {{fmt::format("t{}", i + 1), cnn::DType::u8, {kMega}}};
    plan.partitions.push_back(part);
  }
  const auto devices = devices_of({2, 1});
  const Link link{static_cast<double>(kMega), 0};  // a feature map takes a second
  Placement placement;
  placement.worker_of = {{PartitionName("p0"), WorkerId("d0")},
                         {PartitionName("p1"), WorkerId("d1")}};
  EXPECT_DOUBLE_EQ(predict_interval_s(plan, placement, devices, link), 2 + 2);
  placement.worker_of[PartitionName("p1")] = WorkerId("d0");
  EXPECT_DOUBLE_EQ(predict_interval_s(plan, placement, devices, link), 0.5 + 2 + 1 + 2);
  placement.worker_of.erase(PartitionName("p1"));
  EXPECT_TRUE(std::isinf(predict_interval_s(plan, placement, devices, link)));
}

}  // namespace
}  // namespace hyps::planning
