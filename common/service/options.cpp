#include "common/service/options.hpp"

#include <cstdlib>

#include "common/base/ids.hpp"

namespace hyps::service {

namespace {

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

void declare_log_level(runtime::Schema& schema, std::string* level) {
  schema.choice("log_level", level, {"debug", "info", "warn", "error"},
                "least level that is logged");
}

void declare_compression(runtime::Schema& schema, std::string* compression) {
  schema.choice("compression", compression, {"auto", "on", "off"},
                "of feature maps that it sends, lossless; auto: where the link is slow enough and "
                "they become small enough");
}

Status check_id(const std::string& id) {
  if (is_valid_name(id)) return {};
  return Error{ErrorKind::invalid, "id '" + id + "' is no name: 1 to 64 of A-Z a-z 0-9 . _ -"};
}

std::filesystem::path cache_folder(const std::string& id) { return user_cache() / "hyps" / id; }

}  // namespace hyps::service
