// The place of a backup.
#pragma once

#include <filesystem>

#include "common/base/result.hpp"

namespace hyps::store {

// Makes way for a backup that creates `folder` itself: its parents are made, and an empty folder
// goes. Errors: invalid (there is something at `folder`); io.
Status clear_backup_folder(const std::filesystem::path& folder);

}  // namespace hyps::store
