// A finished spot check: its feature maps are compared with the known ones, one after another, and
// who is proven to have lied is named.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

struct KnownImage {
  std::size_t number = 0;
  protocol::FileRef image;
  protocol::FileRef maps;  // common/voting/known.hpp
};

// Ends with forget_spot_check().
void audit(State& s, const JobId& id, const KnownImage& known);
void conclude_unfinished(State& s, const JobId& id, const std::string& why);
void forget_spot_check(State& s, const JobId& id);

}  // namespace hyps::hub
