#include "common/store/damaged_copy.hpp"

#include <string>
#include <system_error>

namespace hyps::store {

namespace fs = std::filesystem;

namespace {

bool never_changed_in_place(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".sst" || extension == ".blob" || extension == ".log";
}

void keep(const fs::path& file, const fs::path& target, std::error_code& error) {
  if (never_changed_in_place(file)) {
    fs::create_hard_link(file, target, error);
    if (!error) return;
    error.clear();  // a file system without hard links
  }
  fs::copy_file(file, target, error);
}

}  // namespace

Result<fs::path> keep_damaged_copy(const fs::path& folder) {
  const fs::path copy = folder.string() + ".damaged";
  std::error_code error;
  fs::remove_all(copy, error);
  if (!error) fs::create_directories(copy, error);
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file() || at->path().filename() == "LOCK") continue;
    keep(at->path(), copy / at->path().filename(), error);
    if (error) break;
  }
  if (error) {
    return Error{ErrorKind::io, "cannot keep a copy of the damaged store " + folder.string() +
                                    " as " + copy.string() + ": " + error.message()};
  }
  return copy;
}

}  // namespace hyps::store
