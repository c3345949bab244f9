// Jobs that began with an earlier plan of their model.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// On tick. A job at rest goes on with its model's new plan when that can run: the feature maps
// between layers that are stored stay. If the new plan is of another network (the model was
// deployed with other files), it ends with the one it began with; only when that could not run for
// a while does it begin anew, with its image.
void migrate_jobs(State& s);

}  // namespace hyps::hub
