// The copy that is kept of a damaged database before anything is tried on it.
#pragma once

#include <filesystem>

#include "common/base/result.hpp"

namespace hyps::store {

// `<folder>.damaged`: hard links to the files that are never changed in place (tables, blobs,
// logs), copies of the small ones. Replaces an older one. Returns its path. Errors: io.
Result<std::filesystem::path> keep_damaged_copy(const std::filesystem::path& folder);

}  // namespace hyps::store
