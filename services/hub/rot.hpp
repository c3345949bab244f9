// Stored files of models and bundles that are damaged: noticed, told, and made again.
#pragma once

#include <set>

#include "services/hub/state.hpp"

namespace hyps::hub {

// Bytes of this file are gone or are not what was stored: it counts as missing from now on, and may
// be uploaded again.
void lose_file(State& s, const Digest& file, const std::string& why);
// Loses the file if the error says that the bytes are gone for good.
void on_part_unreadable(State& s, const Digest& file, const Error& error);
void on_part_not_sent(State& s, const PartNotSent& event);
// A worker that is refused a part of a missing file has no copy of its own.
void note_lack(State& s, const Peer& peer, const Digest& file);
// The file is whole (again): whoever waits for it goes on.
void on_file_whole(State& s, const Digest& file);

// Whether this worker cannot load the partition before a missing file is there again.
bool lacks_bundle(const State& s, const WorkerId& worker, const PlanState& plan,
                  const PartitionName& partition);
// Plans of models whose bundles a manager has to make again, and can.
std::vector<PlanId> damaged_plans(const State& s);
// What is missing of a model and what to do; empty: nothing.
std::string damage_of(const State& s, const protocol::ModelRecord& model);

}  // namespace hyps::hub
