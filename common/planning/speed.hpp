// How fast a device is, and how long a partition keeps it busy (private to this folder).
#pragma once

#include <map>
#include <vector>

#include "common/planning/planning.hpp"

namespace hyps::planning {

// Flops per second; measured, or assumed from the number of cores.
std::map<WorkerId, double> speeds_of(const std::vector<Device>& devices);

// How long a device of a pipeline has to do with a partition for each image: its flops, reading its
// weights, moving its inputs and outputs.
double busy_s(const partition::Partition& part, double flops_per_s, const Link& link);
double pipeline_flops(const cnn::Cost& cost);  // the first two of these
double bytes_moved(const partition::Partition& part);

}  // namespace hyps::planning
