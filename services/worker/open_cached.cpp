#include "services/worker/open_cached.hpp"

#include <algorithm>
#include <utility>

#include "common/runtime/log.hpp"

namespace hyps::worker {

namespace {

using Opened = Result<std::unique_ptr<Runner>>;

// Names the bundle's content and all that decides how it is packed.
Digest key_of(const protocol::AssignedPartition& partition, const engine::Engine& engine) {
  std::vector<std::string> files;
  for (const protocol::FileRef& file : partition.files) {
    files.push_back(file.name + " " + file.digest.hex());
  }
  std::sort(files.begin(), files.end());
  std::string text = engine.packer();
  for (const std::string& file : files) text += "\n" + file;
  return digest_of(text);
}

Opened open_with(const Load& load, BundleCache& cache, engine::Engine& engine,
                 const engine::Packing& packing, BundleCache::Check check) {
  HYPS_TRY(const auto bundle, cache.make_bundle(load.serial, load.partition.files, check));
  auto runner = open_bundle(bundle, load.partition.kind, engine, packing, load.image_bytes);
  BundleCache::remove_bundle(bundle);
  return runner;
}

void log_packed(const char* event, const Load& load, const Error& error) {
  runtime::log_warn(event,
                    {{"partition", load.partition.partition.text}, {"error", error.message}});
}

}  // namespace

Opened open_cached(const Load& load, BundleCache& cache, engine::Engine& engine) {
  engine::Packing packing;
  packing.key = key_of(load.partition, engine);
  packing.file = cache.packed_file(packing.key);
  if (auto packed = engine::PackedFile::open(packing.file, packing.key)) {
    cache.use_packed(packing.key);
    packing.ready = std::make_shared<engine::PackedFile>(std::move(*packed));
    auto runner = open_with(load, cache, engine, packing, BundleCache::Check::all_but_weights);
    if (runner || runner.error().kind != ErrorKind::corrupt) return runner;
    log_packed("packed.rebuilt", load, runner.error());
    packing.ready.reset();
  } else if (packed.error().kind != ErrorKind::not_found) {
    log_packed("packed.rebuilt", load, packed.error());
  }
  auto runner = open_with(load, cache, engine, packing, BundleCache::Check::all);
  cache.use_packed(packing.key);
  if (runner || runner.error().kind != ErrorKind::io) return runner;
  log_packed("packed.refused", load, runner.error());  // a full disk keeps nobody from computing
  return open_with(load, cache, engine, {}, BundleCache::Check::all);
}

}  // namespace hyps::worker
