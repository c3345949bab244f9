// For a stream of images (private to this folder): ways to cut a network into stages.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/partition/partition.hpp"
#include "common/planning/planning.hpp"

namespace hyps::planning {

// The layers after which the network is cut so that each device has at most one V-partition and the
// busiest as little as possible to do; empty: one device alone is best. Not an answer to
// everything: nullopt where a layer must be sliced, or no device may have the ends.
std::optional<std::vector<std::string>> balanced_cuts(const cnn::Graph& graph,
                                                      const std::vector<Device>& devices,
                                                      std::int64_t budget_bytes, const Link& link);

// Of these plans the one whose placement has the least predicted interval; of those within 2 % of
// it the first. REQUIRES: one at least.
partition::Plan best_for_throughput(std::vector<partition::Plan> plans,
                                    const std::vector<Device>& devices, const Link& link);

}  // namespace hyps::planning
