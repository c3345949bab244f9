// A known answer: what the whole model makes of an image, tensor by tensor. One file:
//
//   16 hex digits: length of the index | the index, JSON | the tensors' bytes, one after another
//   index: {"tensors": [{"name", "bytes", "digest"}, …]}
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/blob.hpp"
#include "common/base/digest.hpp"
#include "common/base/result.hpp"

namespace hyps::voting {

inline constexpr std::size_t kKnownHeaderBytes = 16;
inline constexpr std::uint64_t kMaxKnownIndexBytes = 4U << 20U;
inline constexpr std::uint64_t kMaxKnownBytes = 256U << 20U;

struct KnownTensor {
  std::string name;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t bytes = 0;
  Digest digest;
};

// Errors: overloaded (above kMaxKnownBytes).
Result<std::string> encode_known(const std::vector<std::pair<std::string, Blob>>& tensors);
// Of the first kKnownHeaderBytes. Errors: corrupt.
Result<std::uint64_t> known_index_bytes(std::string_view header);
// Of what follows. Errors: corrupt.
Result<std::vector<KnownTensor>> parse_known_index(std::string_view index,
                                                   std::uint64_t file_bytes);

}  // namespace hyps::voting
