// Parcels: small frames to one receiver travel together, for a packet costs as much as what it
// holds. Pure; not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "common/base/result.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::protocol {

// A broker that takes the smallest chunk of a feature map takes this.
inline constexpr std::size_t kMaxParcelBytes = 64U << 10U;

// A feature map up to here travels as one chunk among the messages; a larger one as a stream of its
// own, which waits for the line.
inline constexpr std::size_t kSmallTensorBytes = 16U << 10U;

// The packets that hold these frames, in order. A frame that has no room beside another one is a
// packet by itself.
std::vector<Blob> pack(std::vector<Blob> frames);

// Calls `take` for each message of a packet, in order, or with what is wrong with it. After a frame
// that is damaged nothing is taken: its length may be wrong, too.
void unpack(const Blob& packet, const std::function<void(Result<Message>)>& take);

}  // namespace hyps::protocol
