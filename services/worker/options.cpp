#include "services/worker/options.hpp"

#include <unistd.h>

#include <array>

#include "common/base/units.hpp"
#include "common/service/options.hpp"
#include "services/worker/memory_limit.hpp"

namespace hyps::worker {

namespace {

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40U;
constexpr std::int64_t kLeastMemory = std::int64_t{1} << 20U;

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "worker";
  return name.data();
}

}  // namespace

void declare(runtime::Schema& schema, Options& options) {
  schema.text("id", &options.id,
              "this worker's name, unique in the cluster; empty: the host's name");
  schema.bytes(
      "memory", &options.memory, 0, kTebibyte,
      "bytes for all it holds: partitions, inputs, results; the process has 16M beside it; "
      "0: 75 % of what the machine or cgroup allows");
  schema.bytes("buffers", &options.buffers, 0, kTebibyte,
               "bytes of memory for inputs and results of several tasks; 0: a quarter");
  schema.integer("threads", &options.threads, 0, 1024,
                 "threads to compute with; 0: as many as the CPU quota allows");
  schema.integer("max_batch", &options.max_batch, 1, 64,
                 "waiting tasks of a partition that are computed in one go, where that is faster");
  schema.integer("batch_wait_ms", &options.batch_wait_ms, 0, 1000,
                 "ms to wait for more of them while there is nothing else to do");
  schema.integer("batch_latency_ms", &options.batch_latency_ms, 1, 600'000,
                 "ms from a task's last input to its result that no task exceeds because others "
                 "are computed with it, or waited for");
  schema.choice("zone", &options.zone, {"open", "safe"},
                "safe: may see the input image and the answer");
  schema.text("cache_dir", &options.cache_dir,
              "folder for bundles; empty: hyps/<id> in the user's cache folder");
  schema.bytes("cache_bytes", &options.cache_bytes, 0, kTebibyte,
               "bytes on disk for bundles; assigned ones are kept even beyond it");
  service::declare_compression(schema, &options.compression);
  service::declare_log_level(schema, &options.log_level);
  runtime::declare(schema, options.broker);
}

Status complete(Options& options) {
  if (options.id.empty()) options.id = host_name();
  HYPS_CHECK(service::check_id(options.id));
  if (options.memory == 0) options.memory = memory_limit_bytes() / 4 * 3;
  if (options.memory < kLeastMemory) {
    return Error{ErrorKind::invalid, "memory: " + format_bytes(options.memory) +
                                         " are too few to work with; give the worker " +
                                         format_bytes(kLeastMemory) + " at least"};
  }
  if (options.buffers == 0) options.buffers = options.memory / 4;
  if (options.buffers > options.memory / 2) {
    return Error{ErrorKind::invalid, "buffers: " + format_bytes(options.buffers) +
                                         " are more than half of the memory of " +
                                         format_bytes(options.memory)};
  }
  if (options.cache_dir.empty()) options.cache_dir = service::cache_folder(options.id);
  return {};
}

}  // namespace hyps::worker
