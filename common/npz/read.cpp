#include <fmt/format.h>
#include <zip.h>

#include <memory>
#include <vector>

#include "common/cnn/npy.hpp"
#include "common/npz/npz.hpp"

namespace hyps::npz {

namespace {

constexpr zip_int64_t kMaxEntries = 256;
constexpr std::size_t kMaxName = 1024;
constexpr std::string_view kEnding = ".npy";

Error invalid(const std::string& why) { return {ErrorKind::invalid, "npz archive: " + why}; }

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;

Result<Archive> open_archive(const Blob& file) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(file.data(), file.size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive == nullptr) {
    if (source != nullptr) zip_source_free(source);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    return invalid(why);
  }
  zip_error_fini(&error);
  return Archive(archive);
}

// "x" of "x.npy".
Result<std::string> name_of(const zip_stat_t& stat) {
  const std::string_view name = stat.name;
  if (name.size() > kEnding.size() && name.size() <= kMaxName + kEnding.size() &&
      name.ends_with(kEnding)) {
    return std::string(name.substr(0, name.size() - kEnding.size()));
  }
  return invalid(fmt::format("it holds '{}', which is no NAME.npy", name.substr(0, kMaxName)));
}

Status check_entry(const zip_stat_t& stat, std::uint64_t bytes_left) {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
  if ((stat.valid & kNeeded) != kNeeded) return invalid("its directory is damaged");
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE) {
    return invalid(fmt::format("'{}' is encrypted", stat.name));
  }
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
    return invalid(fmt::format(
        "'{}' is compressed in another way than NumPy does; write it with numpy.savez", stat.name));
  }
  if (stat.size > bytes_left) {
    return invalid(
        fmt::format("with '{}' of {} bytes it has more than is wanted here", stat.name, stat.size));
  }
  return {};
}

// Exactly `size` bytes; libzip compares the checksum at the end.
Result<Blob> unpack(zip_t* archive, zip_uint64_t index, std::size_t size) {
  const Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) return invalid(zip_strerror(archive));
  std::vector<std::byte> bytes(size);
  std::size_t have = 0;
  while (have < size) {
    const zip_int64_t got = zip_fread(entry.get(), bytes.data() + have, size - have);
    if (got <= 0) return invalid("it is damaged: an entry ends early or its checksum is wrong");
    have += static_cast<std::size_t>(got);
  }
  std::byte beyond{};
  if (zip_fread(entry.get(), &beyond, 1) != 0) {
    return invalid("it is damaged: an entry is longer than stated or its checksum is wrong");
  }
  return Blob::of(std::move(bytes));
}

// Adds entry `index`; `bytes_left` becomes less.
Status add_entry(zip_t* archive, zip_uint64_t index, std::uint64_t& bytes_left, Arrays& arrays) {
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(archive, index, 0, &stat) != 0) return invalid(zip_strerror(archive));
  HYPS_CHECK(check_entry(stat, bytes_left));
  bytes_left -= stat.size;
  HYPS_TRY(const std::string name, name_of(stat));
  HYPS_TRY(const Blob bytes, unpack(archive, index, stat.size));
  auto tensor = cnn::parse_npy(bytes);
  if (!tensor) return tensor.error().about(fmt::format("npz archive: '{}'", name));
  if (!arrays.emplace(name, std::move(*tensor)).second) {
    return invalid(fmt::format("it holds '{}' twice", name));
  }
  return {};
}

}  // namespace

bool looks_like_npz(const Blob& file) {
  return file.text().starts_with("PK\x03\x04") || file.text().starts_with("PK\x05\x06");
}

Result<Arrays> parse_npz(const Blob& file, std::uint64_t most_bytes) {
  HYPS_TRY(const Archive archive, open_archive(file));
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  if (count < 1 || count > kMaxEntries) {
    return invalid(fmt::format("it has {} entries; 1 to {} are taken", count, kMaxEntries));
  }
  Arrays arrays;
  for (zip_int64_t i = 0; i < count; ++i) {
    HYPS_CHECK(add_entry(archive.get(), static_cast<zip_uint64_t>(i), most_bytes, arrays));
  }
  return arrays;
}

}  // namespace hyps::npz
