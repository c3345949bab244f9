#include "common/store/backup_folder.hpp"

#include <system_error>

namespace hyps::store {

namespace fs = std::filesystem;

Status clear_backup_folder(const fs::path& folder) {
  std::error_code error;
  // Not followed: a link to an empty folder is something, too.
  const auto found = fs::symlink_status(folder, error).type();
  if (found == fs::file_type::directory && fs::is_empty(folder, error)) {
    fs::remove(folder, error);
  } else if (found != fs::file_type::not_found) {
    return Error{ErrorKind::invalid, folder.string() +
                                         " is there already and no empty folder; a backup needs a "
                                         "name of its own"};
  } else {
    error.clear();
    if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  }
  if (!error) return {};
  return Error{ErrorKind::io,
               "cannot make room for the backup " + folder.string() + ": " + error.message()};
}

}  // namespace hyps::store
