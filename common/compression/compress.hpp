// Compression of feature maps, lossless: of 4-byte numbers, many of which are 0; any other bytes
// come back as they were, too. Pure; thread-safe. README.md describes the format.
#pragma once

#include <cstddef>
#include <span>

#include "common/base/blob.hpp"
#include "common/base/result.hpp"

namespace hyps::compression {

// What is handled at a time; the scratch memory of a thread that does it is a little more.
inline constexpr std::size_t kBlockBytes = 128U << 10U;

// May be longer than `raw`, by 4 % at most.
Blob compress(std::span<const std::byte> raw);

// Fills `raw`. Errors: corrupt (`compressed` is not what compress() makes of so many bytes; what
// `raw` then holds means nothing).
Status decompress(std::span<const std::byte> compressed, std::span<std::byte> raw);

}  // namespace hyps::compression
