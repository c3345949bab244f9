// What is kept of finished jobs, and for how long.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// From here on it is one of State::finished.
Finished& remember(State& s, Finished job);

// The oldest above keep_finished_jobs (failed ones: keep_failed_jobs) are forgotten, answers and
// all. Feature maps go of jobs above keep_feature_maps, older than keep_feature_maps_hours or
// beyond keep_feature_maps_percent of the disk; all of them when the disk reserve is reached. Of a
// failed job only the input is there; it goes for want of disk only.
void prune(State& s);
// On tick: time has passed.
void prune_now_and_then(State& s);

}  // namespace hyps::hub
