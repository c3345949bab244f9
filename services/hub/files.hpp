// Files of models and bundles, in parts, by content. Never whole in memory.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "services/hub/state.hpp"

namespace hyps::hub {

// While it is uploaded its digest grows with the parts, in order; when all are there and it is
// right the file is verified, and only then can anything refer to it.
struct File {
  FileRecord record;
  std::set<std::uint64_t> parts;  // offsets on disk; emptied when verified
  std::uint64_t hashed = 0;       // so many bytes from the beginning are in the digest
  bool reading = false;           // a part on disk is being read for the digest
  Digester digester;
  Milliseconds used{0};
};

void on_part_put(State& s, const Peer& peer, const protocol::PartPut& put);
void on_part_get(State& s, const Peer& peer, const protocol::PartGet& get);

bool is_whole(const State& s, const protocol::FileRef& file);
// The first that is not stored whole.
const protocol::FileRef* missing_file(const State& s, const std::vector<protocol::FileRef>& files);

// Its record and parts. What refers to it waits until it is uploaded again.
void delete_file(State& s, const Digest& digest);
// Deletes those of `candidates` that no model or plan refers to.
void collect_files(State& s, const std::vector<protocol::FileRef>& candidates);
// Uploads that nothing came to refer to in time.
void expire_files(State& s);
void restore_files(State& s, const Restored& restored);

}  // namespace hyps::hub
