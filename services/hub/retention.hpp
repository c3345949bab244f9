// What is kept of finished jobs, and for how long.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// The oldest finished jobs above keep_finished_jobs are forgotten, answers and all; of those above
// keep_feature_maps (all, when the disk reserve is reached) the feature maps go.
void prune(State& s);

}  // namespace hyps::hub
