#include "services/manager/options.hpp"

#include "common/service/options.hpp"

namespace hyps::manager {

namespace {

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40U;

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
  service::declare_log_level(schema, &options.log_level);
  runtime::declare(schema, options.broker);
}

Status complete(Options& options) {
  HYPS_CHECK(service::check_id(options.id));
  if (options.cache_dir.empty()) options.cache_dir = service::cache_folder(options.id);
  return {};
}

}  // namespace hyps::manager
