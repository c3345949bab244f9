// Bytes of stored files, read part after part.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

// Bytes [begin, end) of a whole file. What cannot be read for good makes the file missing.
// Errors: not_found; as the store's.
void read_range(State& s, const Digest& file, std::uint64_t begin, std::uint64_t end,
                std::function<void(const Result<Blob>&)> then);

}  // namespace hyps::hub
