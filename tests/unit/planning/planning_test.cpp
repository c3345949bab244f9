#include "common/planning/planning.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "common/base/random.hpp"
#include "common/zoo/zoo.hpp"

namespace hyps::planning {
namespace {

using partition::Kind;
using partition::Partition;
using partition::Plan;

constexpr std::int64_t kMega = std::int64_t{1} << 20;

Device device(const std::string& id, std::int64_t megabytes, bool safe, double gflops = 10) {
  Device made;
  made.id = WorkerId(id);
  made.memory_bytes = megabytes * kMega;
  made.safe_zone = safe;
  made.gflops = gflops;
  return made;
}

Partition part(const std::string& name, std::int64_t megabytes, double seconds_at_1_gflops,
               bool safe = false) {
  Partition made;
  made.name = PartitionName(name);
  made.safe_zone = safe;
  made.cost.weight_bytes = megabytes * kMega;
  made.cost.flops = static_cast<std::int64_t>(seconds_at_1_gflops * 1e9);
  return made;
}

// A chain of parts, each with one input and one output of a megabyte.
Plan chain(std::vector<Partition> parts) {
  Plan plan;
  plan.model = "m";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].inputs = {{fmt::format("t{}", i), cnn::DType::u8, {kMega}}};
    parts[i].outputs = {{fmt::format("t{}", i + 1), cnn::DType::u8, {kMega}}};
  }
  plan.partitions = std::move(parts);
  return plan;
}

// FC layers over zeros that take no memory: what VGG16's classifier weighs.
cnn::Graph classifier(std::vector<std::int64_t> neurons) {
  static const std::shared_ptr<void> memory(std::calloc(std::size_t{102760448} * 4, 1), std::free);
  cnn::Graph graph;
  graph.name = "classifier";
  graph.inputs.push_back({"x", cnn::DType::f32, {1, neurons[0]}});
  std::string x = "x";
  for (std::size_t i = 1; i < neurons.size(); ++i) {
    const std::string name = fmt::format("fc{}", i);
    const cnn::Shape shape{neurons[i], neurons[i - 1]};
    const auto bytes = static_cast<std::size_t>(cnn::element_count(shape)) * 4;
    graph.weights[name + ".w"] = {
        cnn::DType::f32, shape, Blob(memory, {static_cast<const std::byte*>(memory.get()), bytes})};
    graph.nodes.push_back({"Gemm", name, {x, name + ".w"}, {name}, {{"transB", std::int64_t{1}}}});
    x = name;
  }
  graph.outputs.push_back({x, {}, {}});
  const auto status = cnn::infer_shapes(graph);
  if (!status.ok()) ADD_FAILURE() << status.error().message;
  return graph;
}

std::size_t count_of(const Plan& plan, Kind kind) {
  return static_cast<std::size_t>(std::count_if(plan.partitions.begin(), plan.partitions.end(),
                                                [&](const auto& p) { return p.kind == kind; }));
}

std::int64_t largest_of(const Plan& plan) {
  std::int64_t largest = 0;
  for (const auto& p : plan.partitions) largest = std::max(largest, p.memory_bytes());
  return largest;
}

// ---- plan_for ---------------------------------------------------------------------------------

TEST(PlanFor, every_partition_fits_the_smallest_device_if_that_is_possible) {
  const cnn::Graph graph = classifier({25088, 4096, 4096, 1000});
  const auto plan = plan_for(
      graph, "m", {device("a", 512, true), device("b", 110, false), device("c", 256, false)});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_LE(largest_of(*plan), 110 * kMega);
  EXPECT_EQ(count_of(*plan, Kind::horizontal), 4U);  // 392 MB in four
}

TEST(PlanFor, one_tiny_device_does_not_shred_the_model) {
  const cnn::Graph graph = classifier({25088, 4096, 4096, 1000});
  const auto plan = plan_for(graph, "m", {device("a", 256, true), device("tiny", 4, false)});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(count_of(*plan, Kind::horizontal), 2U);
  const auto alone = plan_for(graph, "m", {device("tiny", 4, true)});
  ASSERT_TRUE(alone.ok()) << alone.error().message;
  EXPECT_LE(largest_of(*alone), 4 * kMega);
}

TEST(PlanFor, every_device_gets_work) {
  const auto graph = zoo::make("resnet18", 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  std::vector<Device> devices;
  for (int i = 0; i < 6; ++i) devices.push_back(device(fmt::format("d{}", i), 256, i < 2));
  const auto plan = plan_for(*graph, "m", devices);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(count_of(*plan, Kind::vertical), 6U);
  const Placement placement = place(*plan, devices, {}, {});
  EXPECT_TRUE(placement.unplaced.empty());
  std::set<WorkerId> busy;
  for (const auto& [name, worker] : placement.worker_of) busy.insert(worker);
  EXPECT_EQ(busy.size(), 6U);
}

TEST(PlanFor, a_small_safe_zone_makes_the_cuts_finer) {
  const auto graph = zoo::make("resnet18", 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  const auto plan = plan_for(*graph, "m", {device("big", 512, false), device("safe", 12, true)});
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  for (const auto& p : plan->partitions) {
    EXPECT_LE(p.memory_bytes(), (p.safe_zone ? 12 : 512) * kMega) << p.name.text;
  }
}

TEST(PlanFor, errors_say_what_is_missing) {
  const cnn::Graph graph = classifier({1000, 1000});
  EXPECT_NE(plan_for(graph, "m", {}).error().message.find("no worker"), std::string::npos);
  const auto unsafe = plan_for(graph, "m", {device("a", 64, false)});
  EXPECT_NE(unsafe.error().message.find("safe zone"), std::string::npos);
  Device dwarf = device("dwarf", 0, true);
  dwarf.memory_bytes = 1000;
  const auto error = plan_for(graph, "m", {dwarf}).error();
  EXPECT_EQ(error.kind, ErrorKind::invalid);
  EXPECT_NE(error.message.find("'fc1'"), std::string::npos) << error.message;
}

// ---- place ------------------------------------------------------------------------------------

TEST(Place, one_device_with_a_small_budget_takes_turns_over_a_whole_model) {
  const Plan plan = chain({part("a", 60, 1, true), part("b", 60, 1), part("c", 60, 1)});
  const Placement placement = place(plan, {device("w", 64, true)}, {}, {});
  EXPECT_TRUE(placement.unplaced.empty());
  EXPECT_EQ(placement.worker_of.size(), 3U);
}

TEST(Place, turns_are_taken_only_when_no_device_has_room) {
  const Plan plan = chain({part("a", 60, 5), part("b", 60, 5), part("c", 3, 5)});
  const auto placement =
      place(plan, {device("fast", 64, true, 1000), device("slow", 64, true, 1)}, {}, {});
  EXPECT_NE(placement.worker_of.at(PartitionName("a")), placement.worker_of.at(PartitionName("b")));
}

TEST(Place, what_other_plans_hold_leaves_less_room) {
  const Plan plan = chain({part("a", 40, 1)});
  const auto placement = place(plan, {device("fast", 64, true, 100), device("slow", 64, true, 1)},
                               {}, {{WorkerId("fast"), 30 * kMega}});
  EXPECT_EQ(placement.worker_of.at(PartitionName("a")).text, "slow");
}

TEST(Place, a_partition_stays_where_it_was_even_if_another_device_is_faster) {
  const Plan plan = chain({part("a", 10, 5), part("b", 10, 5)});
  const std::vector<Device> devices{device("fast", 64, true, 100), device("slow", 64, true, 1)};
  const auto placement = place(plan, devices, {{PartitionName("a"), WorkerId("slow")}}, {});
  EXPECT_EQ(placement.worker_of.at(PartitionName("a")).text, "slow");
  EXPECT_EQ(placement.worker_of.at(PartitionName("b")).text, "fast");
}

TEST(Place, only_the_partitions_of_a_dead_device_move) {
  std::vector<Partition> parts;
  for (int i = 0; i < 12; ++i) parts.push_back(part(fmt::format("p{}", i), 10, 1));
  const Plan plan = chain(parts);
  std::vector<Device> devices;
  for (int i = 0; i < 4; ++i) devices.push_back(device(fmt::format("d{}", i), 64, true));
  const auto before = place(plan, devices, {}, {}).worker_of;
  devices.erase(devices.begin() + 1);
  const auto after = place(plan, devices, before, {}).worker_of;
  ASSERT_EQ(after.size(), 12U);
  for (const auto& [name, worker] : before) {
    EXPECT_EQ(after.at(name) == worker, worker.text != "d1") << name.text;
  }
}

TEST(Place, safe_partitions_go_to_safe_devices_or_are_named_as_unplaced) {
  const Plan plan = chain({part("secret", 100, 1, true), part("open", 100, 1)});
  const auto placed = place(plan, {device("a", 128, false, 1000), device("b", 128, true)}, {}, {});
  EXPECT_EQ(placed.worker_of.at(PartitionName("secret")).text, "b");
  EXPECT_EQ(placed.worker_of.at(PartitionName("open")).text, "a");
  const auto none = place(plan, {device("a", 128, false)}, {}, {});
  ASSERT_EQ(none.unplaced.size(), 1U);
  EXPECT_EQ(none.unplaced[0].reason,
            "needs 100.0 MB in the safe zone; there is no worker in the safe zone");
  const auto small = place(plan, {device("a", 128, false), device("b", 64, true)}, {}, {});
  ASSERT_EQ(small.unplaced.size(), 1U);
  EXPECT_EQ(small.unplaced[0].reason,
            "needs 100.0 MB in the safe zone; the largest worker there has 64.0 MB");
}

TEST(Place, an_unsafe_previous_device_is_not_kept_for_a_safe_partition) {
  const Plan plan = chain({part("secret", 10, 1, true)});
  const auto placed = place(plan, {device("a", 64, false), device("b", 64, true)},
                            {{PartitionName("secret"), WorkerId("a")}}, {});
  EXPECT_EQ(placed.worker_of.at(PartitionName("secret")).text, "b");
}

TEST(Place, slices_of_a_layer_go_to_different_devices) {
  const cnn::Graph graph = classifier({64, 25088, 4096, 1000});
  const std::vector<Device> devices{device("a", 110, true, 100), device("b", 110, false, 1),
                                    device("c", 110, false, 1), device("d", 110, false, 1)};
  const auto plan = plan_for(graph, "m", devices);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  const Placement placement = place(*plan, devices, {}, {});
  std::set<WorkerId> holders;
  for (const auto& p : plan->partitions) {
    if (p.kind == Kind::horizontal) holders.insert(placement.worker_of.at(p.name));
  }
  EXPECT_EQ(count_of(*plan, Kind::horizontal), 4U);
  EXPECT_EQ(holders.size(), 4U);
}

TEST(Place, no_devices_leave_everything_unplaced) {
  const auto placement = place(chain({part("a", 1, 1), part("b", 1, 1)}), {}, {}, {});
  EXPECT_EQ(placement.unplaced.size(), 2U);
  EXPECT_EQ(placement.unplaced[0].reason, "needs 1.0 MB; there is no worker");
}

struct RandomCase {
  Plan plan;
  std::vector<Device> devices;
};

RandomCase random_case(std::uint64_t seed) {
  Random random(seed);
  RandomCase made;
  std::vector<Partition> parts;
  const std::int64_t count = random.between(2, 7);
  for (std::int64_t i = 0; i < count; ++i) {
    parts.push_back(part(fmt::format("p{}", i), random.between(1, 60),
                         static_cast<double>(random.between(0, 20)), random.below(4) == 0));
  }
  made.plan = chain(std::move(parts));
  const std::int64_t devices = random.between(1, 4);
  for (std::int64_t i = 0; i < devices; ++i) {
    made.devices.push_back(device(fmt::format("d{}", i), random.between(30, 120),
                                  random.below(2) == 0, static_cast<double>(random.between(1, 4))));
  }
  return made;
}

// The least work of the busiest device over all placements without turns; nullopt: none.
std::optional<double> best_load(const RandomCase& test) {
  const auto& parts = test.plan.partitions;
  const std::size_t devices = test.devices.size();
  std::optional<double> best;
  std::size_t total = 1;
  for (std::size_t i = 0; i < parts.size(); ++i) total *= devices;
  for (std::size_t code = 0; code < total; ++code) {
    std::vector<std::int64_t> used(devices, 0);
    std::vector<double> load(devices, 0);
    bool valid = true;
    std::size_t rest = code;
    for (const auto& p : parts) {
      const std::size_t d = rest % devices;
      rest /= devices;
      used[d] += p.memory_bytes();
      load[d] += static_cast<double>(p.cost.flops) / (test.devices[d].gflops * 1e9);
      valid = valid && used[d] <= test.devices[d].memory_bytes &&
              (test.devices[d].safe_zone || !p.safe_zone);
    }
    const double most = *std::max_element(load.begin(), load.end());
    if (valid && (!best || most < *best)) best = most;
  }
  return best;
}

struct Outcome {
  bool turns = false;
  double load = 0;
};

Outcome outcome_of(const RandomCase& test, const Placement& placement) {
  Outcome outcome;
  for (const auto& d : test.devices) {
    std::int64_t used = 0;
    double load = 0;
    for (const auto& p : test.plan.partitions) {
      const auto worker = placement.worker_of.find(p.name);
      if (worker == placement.worker_of.end() || worker->second != d.id) continue;
      EXPECT_LE(p.memory_bytes(), d.memory_bytes);
      EXPECT_TRUE(d.safe_zone || !p.safe_zone);
      used += p.memory_bytes();
      load += static_cast<double>(p.cost.flops) / (d.gflops * 1e9);
    }
    outcome.turns |= used > d.memory_bytes;
    outcome.load = std::max(outcome.load, load);
  }
  return outcome;
}

TEST(Place, is_valid_and_near_the_best_load_that_brute_force_finds) {
  int feasible = 0;
  int turns = 0;
  int optimal = 0;
  double worst = 1;
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(seed);
    const RandomCase test = random_case(seed);
    const Placement placement = place(test.plan, test.devices, {}, {});
    EXPECT_EQ(placement.worker_of.size() + placement.unplaced.size(), test.plan.partitions.size());
    for (const auto& [name, reason] : placement.unplaced) {
      const Partition* p = test.plan.find(name);
      for (const auto& d : test.devices) {
        const bool could = p->memory_bytes() <= d.memory_bytes && (d.safe_zone || !p->safe_zone);
        EXPECT_FALSE(could) << name.text << " could run on " << d.id.text << ": " << reason;
      }
    }
    const Outcome outcome = outcome_of(test, placement);
    const auto best = best_load(test);
    if (!best || *best == 0) continue;
    ++feasible;
    if (outcome.turns) {
      ++turns;
      continue;
    }
    const double ratio = outcome.load / *best;
    optimal += ratio < 1.0001 ? 1 : 0;
    worst = std::max(worst, ratio);
    sum += ratio;
  }
  fmt::print(
      "{} cases: {} optimal, mean {:.3f} of the best load, worst {:.2f}; {} take turns "
      "where exhaustive packing would not\n",
      feasible, optimal, sum / (feasible - turns), worst, turns);
  EXPECT_GT(feasible, 200);
  EXPECT_LE(worst, 2.0);
  EXPECT_LE(sum / (feasible - turns), 1.05);
  EXPECT_LE(turns, feasible / 20);
}

TEST(Place, does_not_depend_on_the_order_of_the_devices) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    RandomCase test = random_case(seed);
    const auto forward = place(test.plan, test.devices, {}, {}).worker_of;
    std::reverse(test.devices.begin(), test.devices.end());
    EXPECT_EQ(place(test.plan, test.devices, {}, {}).worker_of, forward) << seed;
  }
}

// ---- predict_latency_s --------------------------------------------------------------------------

TEST(Latency, a_chain_adds_computing_and_each_hop) {
  const Plan plan = chain({part("a", 1, 1), part("b", 1, 2)});
  const std::vector<Device> devices{device("d", 64, true, 2)};
  const Placement placement = place(plan, devices, {}, {});
  const Link link{static_cast<double>(kMega), 0.25};  // a feature map takes a second
  EXPECT_NEAR(predict_latency_s(plan, placement, devices, link), 0.5 + 0.25 + 1 + 1, 1e-9);
}

TEST(Latency, slices_on_different_devices_run_at_the_same_time) {
  const cnn::Graph graph = classifier({25088, 4096});
  const std::vector<Device> devices{device("a", 256, true), device("b", 256, true)};
  const auto plan = plan_for(graph, "m", devices);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  ASSERT_EQ(count_of(*plan, Kind::horizontal), 2U);
  const Link instant{1e18, 0};
  const double both = predict_latency_s(*plan, place(*plan, devices, {}, {}), devices, instant);
  const std::vector<Device> one{device("a", 256, true)};
  const double alone = predict_latency_s(*plan, place(*plan, one, {}, {}), one, instant);
  EXPECT_NEAR(alone, 2 * both, alone * 0.01);
}

TEST(Latency, an_unplaced_partition_means_never) {
  const Plan plan = chain({part("a", 100, 1)});
  const std::vector<Device> devices{device("d", 64, true)};
  EXPECT_TRUE(std::isinf(predict_latency_s(plan, place(plan, devices, {}, {}), devices, Link{})));
}

TEST(Latency, unmeasured_devices_are_assumed_as_fast_per_core_as_measured_ones) {
  const Plan plan = chain({part("a", 1, 8)});
  Device fresh = device("fresh", 64, true, 0);
  fresh.cores = 4;
  Device known = device("known", 64, false, 2);
  Placement placement;
  placement.worker_of[PartitionName("a")] = fresh.id;
  EXPECT_NEAR(predict_latency_s(plan, placement, {fresh, known}, Link{}), 1, 1e-9);
}

}  // namespace
}  // namespace hyps::planning
