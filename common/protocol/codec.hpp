// Messages ↔ bytes (cereal, little-endian, checksummed; FORMAT.md).
#pragma once

#include "common/base/result.hpp"
#include "common/protocol/messages.hpp"

namespace hyps::protocol {

inline constexpr std::size_t kMaxFrameBytes = 16U << 20U;

Blob encode(const Message& message);

// Blobs inside the message are slices of `frame`: nothing large is copied. Errors: corrupt (magic,
// checksum), unsupported (version, type), invalid (a length beyond the frame, trailing bytes).
// Never allocates more than the frame's own size times a small constant.
Result<Message> decode(const Blob& frame);

}  // namespace hyps::protocol
