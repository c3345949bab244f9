// Whether images gain from being computed together.
#pragma once

#include <cstdint>

namespace hyps::cnn {

// Whether reading these weights once for all of them, instead of once for each, saves a part of
// their time that is worth keeping several of them: more than an eighth of a run that reads and
// computes so much. A core reads a byte in the time of some four operations.
bool is_worth_sharing(std::int64_t weight_bytes, std::int64_t flops);

}  // namespace hyps::cnn
