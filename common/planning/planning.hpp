// Planning: which plan for the devices that are there, and which partition on which device. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/partition/partition.hpp"

namespace hyps::planning {

struct Device {
  WorkerId id;
  std::int64_t memory_bytes = 0;  // budget for partitions
  int cores = 1;
  bool safe_zone = false;
  double gflops = 0;         // measured speed; 0: not known yet
  bool quarantined = false;  // may hold replicas that do not count, and nothing else
};

// A plan whose every partition fits the smallest device's budget if that is possible, else the next
// larger one's (so that as many devices as possible can stand in for each other; a budget that
// needs more than 16 slices of a layer is passed over while there is a larger one). For latency:
// V-cuts so that every device gets work. For throughput: of several ways to cut it, one V-partition
// a device among them, the one whose placement has the least predicted interval. Errors: invalid,
// naming what does not fit and what is missing.
Result<partition::Plan> plan_for(const cnn::Graph& graph, const std::string& model_name,
                                 const std::vector<Device>& devices,
                                 partition::Objective objective = partition::Objective::latency);

struct Unplaced {
  PartitionName partition;
  std::string reason;  // "needs 103.2 MB in the safe zone; the largest free worker has 64.0 MB"
};

struct Placement {
  std::map<PartitionName, WorkerId> worker_of;
  std::vector<Unplaced> unplaced;
};

// Deterministic. A partition stays where `previous` has it if that device is still there (moving
// loses its loaded weights). Others go to a device with room, rather one without a slice of the
// same layer, so that the work (flops / speed; of a plan for throughput what is moved, too) is
// balanced; a device whose partitions exceed its
// budget together takes turns (loads one after another), which is used only when no device has room
// for it besides. A device never gets a partition above its whole budget, nor one for the safe zone
// outside of it, nor any while it is in quarantine. `held` is what other plans already use on each
// device.
Placement place(const partition::Plan& plan, const std::vector<Device>& devices,
                const std::map<PartitionName, WorkerId>& previous,
                const std::map<WorkerId, std::int64_t>& held);

// The further copies of replicated partitions, by partition: which devices hold one besides the one
// in `placement`. Never two of a partition on one device. A copy stays where `previous` has it; on
// a device in quarantine it stays too, but does not count, so another one is added. New ones go
// where most memory is free. What finds no device is told.
struct Replicas {
  std::map<PartitionName, std::vector<WorkerId>> workers_of;
  std::vector<Unplaced> unplaced;
};
Replicas place_replicas(const partition::Plan& plan, const std::vector<Device>& devices,
                        const Placement& placement,
                        const std::map<PartitionName, std::vector<WorkerId>>& previous,
                        const std::map<WorkerId, std::int64_t>& held);

// Predicted seconds for one image with nothing else running: the longest path through the plan of
// flops / speed plus bytes / link rate, each device computing one partition at a time.
struct Link {
  double bytes_per_second = 12.5e6;  // 100 Mbit/s
  double latency_s = 0.002;          // each hop through broker and hub
};
double predict_latency_s(const partition::Plan& plan, const Placement& placement,
                         const std::vector<Device>& devices, const Link& link);

// Predicted seconds between two answers when there is always another image: the work of the busiest
// device for each, computing and moving what its partitions take and make.
double predict_interval_s(const partition::Plan& plan, const Placement& placement,
                          const std::vector<Device>& devices, const Link& link);

}  // namespace hyps::planning
