// How fast a device is (private to this folder).
#pragma once

#include <map>
#include <vector>

#include "common/planning/planning.hpp"

namespace hyps::planning {

// Flops per second; measured, or assumed from the number of cores.
std::map<WorkerId, double> speeds_of(const std::vector<Device>& devices);

}  // namespace hyps::planning
