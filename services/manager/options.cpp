#include "services/manager/options.hpp"

#include <cstdlib>
#include <filesystem>

#include "common/base/ids.hpp"

namespace hyps::manager {

namespace {

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40U;

std::filesystem::path user_cache() {
  const auto from = [](const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string cache = from("XDG_CACHE_HOME"); !cache.empty()) return cache;
  if (const std::string home = from("HOME"); !home.empty() && home != "/") {
    return std::filesystem::path(home) / ".cache";
  }
  return std::filesystem::temp_directory_path();
}

}  // namespace

void declare(runtime::Schema& schema, Options& options) {
  schema.text("id", &options.id, "this manager's name");
  schema.text("cache_dir", &options.cache_dir,
              "folder for the model being planned; empty: hyps/<id> in the user's cache folder");
  schema.bytes("cache_bytes", &options.cache_bytes, 0, kTebibyte,
               "bytes on disk for a model's files and its bundles together");
  schema.integer("settle_ms", &options.settle_ms, 0, 60'000,
                 "milliseconds after the connection or hub came up in which workers may come back "
                 "before anything is planned or moved");
  schema.choice("log_level", &options.log_level, {"debug", "info", "warn", "error"},
                "least level that is logged");
  runtime::declare(schema, options.broker);
}

Status complete(Options& options) {
  if (!is_valid_name(options.id)) {
    return Error{ErrorKind::invalid,
                 "id '" + options.id + "' is no name: 1 to 64 of A-Z a-z 0-9 . _ -"};
  }
  if (options.cache_dir.empty()) options.cache_dir = user_cache() / "hyps" / options.id;
  return {};
}

}  // namespace hyps::manager
