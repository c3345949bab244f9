// NumPy's .npz files: named arrays, stored or deflated. The only folder that includes libzip.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/result.hpp"
#include "common/cnn/tensor.hpp"

namespace hyps::npz {

using Arrays = std::map<std::string, cnn::Tensor>;  // by name, without ".npy"

bool looks_like_npz(const Blob& file);  // by its magic number

// `most_bytes`: what all arrays, unpacked and with their headers, may have together. Errors:
// invalid, saying which entry is wrong.
Result<Arrays> parse_npz(const Blob& file, std::uint64_t most_bytes);

// What a header of an entry may add to its elements.
inline constexpr std::uint64_t kHeaderBytes = 4096 + 12;

Result<std::string> to_npz(const Arrays& arrays);

}  // namespace hyps::npz
