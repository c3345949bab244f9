#include <zip.h>

#include <memory>
#include <vector>

#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"

namespace hyps::npz {

namespace {

constexpr time_t kDate = 315532800;  // 1980-01-01, where a zip's calendar begins

Error failed(zip_error_t* error) {
  return {ErrorKind::io, std::string("npz archive: ") + zip_error_strerror(error)};
}

// `files` live until the archive is closed: libzip borrows them.
Status add_all(zip_t* archive, const std::map<std::string, std::string>& files) {
  for (const auto& [name, bytes] : files) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    if (source == nullptr) return failed(zip_get_error(archive));
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return failed(zip_get_error(archive));
    }
    const auto at = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(archive, at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_mtime(archive, at, kDate, 0) != 0) {
      return failed(zip_get_error(archive));
    }
  }
  return {};
}

Result<std::string> bytes_of(zip_source_t* written) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_source_stat(written, &stat) != 0 || zip_source_open(written) != 0) {
    return failed(zip_source_error(written));
  }
  std::string bytes(stat.size, '\0');
  const zip_int64_t got = zip_source_read(written, bytes.data(), bytes.size());
  zip_source_close(written);
  if (got != static_cast<zip_int64_t>(bytes.size())) return failed(zip_source_error(written));
  return bytes;
}

Status write_into(zip_source_t* target, const std::map<std::string, std::string>& files) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_keep(target);  // closing the archive gives up one hold on it
  zip_t* archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (archive == nullptr) {
    zip_source_free(target);
    return failed(&error);
  }
  if (Status added = add_all(archive, files); !added) {
    zip_discard(archive);
    return added;
  }
  if (zip_close(archive) == 0) return {};
  Status closed = failed(zip_get_error(archive));
  zip_discard(archive);
  return closed;
}

struct Free {
  void operator()(zip_source_t* source) const { zip_source_free(source); }
};

}  // namespace

Result<std::string> to_npz(const Arrays& arrays) {
  std::map<std::string, std::string> files;
  for (const auto& [name, tensor] : arrays) files.emplace(name + ".npy", cnn::to_npy(tensor));
  zip_error_t error;
  zip_error_init(&error);
  const std::unique_ptr<zip_source_t, Free> target(zip_source_buffer_create(nullptr, 0, 0, &error));
  if (!target) return failed(&error);
  HYPS_CHECK(write_into(target.get(), files));
  return bytes_of(target.get());
}

}  // namespace hyps::npz
