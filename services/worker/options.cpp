#include "services/worker/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "common/base/ids.hpp"
#include "services/worker/memory_limit.hpp"

namespace hyps::worker {

namespace {

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40U;
constexpr std::int64_t kLeastBuffers = std::int64_t{32} << 20U;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "worker";
  return name.data();
}

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
  schema.text("id", &options.id,
              "this worker's name, unique in the cluster; empty: the host's name");
  schema.bytes("memory", &options.memory, 0, kTebibyte,
               "bytes for loaded partitions; 0: 75 % of what the machine or cgroup allows");
  schema.bytes("buffers", &options.buffers, 0, kTebibyte,
               "bytes for inputs and results; 0: a quarter of memory, 32M at least");
  schema.integer("threads", &options.threads, 0, 1024,
                 "threads to compute with; 0: as many as the CPU quota allows");
  schema.choice("zone", &options.zone, {"open", "safe"},
                "safe: may see the input image and the answer");
  schema.text("cache_dir", &options.cache_dir,
              "folder for bundles; empty: hyps/<id> in the user's cache folder");
  schema.bytes("cache_bytes", &options.cache_bytes, 0, kTebibyte,
               "bytes on disk for bundles; assigned ones are kept even beyond it");
  schema.choice("log_level", &options.log_level, {"debug", "info", "warn", "error"},
                "least level that is logged");
  runtime::declare(schema, options.broker);
}

Status complete(Options& options) {
  if (options.id.empty()) options.id = host_name();
  if (!is_valid_name(options.id)) {
    return Error{ErrorKind::invalid,
                 "id '" + options.id + "' is no name: 1 to 64 of A-Z a-z 0-9 . _ -"};
  }
  if (options.memory == 0) options.memory = memory_limit_bytes() / 4 * 3;
  if (options.buffers == 0) options.buffers = std::max(options.memory / 4, kLeastBuffers);
  if (options.cache_dir.empty()) options.cache_dir = user_cache() / "hyps" / options.id;
  return {};
}

}  // namespace hyps::worker
