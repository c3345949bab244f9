#include "services/hub/config.hpp"

#include "common/service/options.hpp"

namespace hyps::hub {

namespace {

constexpr std::int64_t kDay = 24LL * 3600 * 1000;
constexpr std::int64_t kTera = 1LL << 40;

void declare_bounds(runtime::Schema& schema, Config& c) {
  schema.integer(
      "jobs_in_flight", &c.jobs_in_flight, 1, 1000,
      "jobs of one model that are computed at a time; the others wait, oldest first; of a "
      "model planned for throughput as many more as its workers have credits");
  schema.bytes("bytes_in_flight", &c.bytes_in_flight, 0, 1LL << 40,
               "more jobs than that are computed at a time, up to 256, as long as their feature "
               "maps together take no more");
  schema.integer("worker_credits", &c.worker_credits, 1, 64,
                 "batches of tasks that a worker is given at a time: one to compute, the others "
                 "arriving; more than so many tasks only where it computes several in one go, and "
                 "while they are small");
  schema.integer("worker_ahead_ms", &c.worker_ahead_ms, 0, 10'000,
                 "ms of computing a worker is given at a time in tasks whose feature maps take "
                 "16K at most each, up to 64 of them; such tasks take no credit");
  schema.integer("max_waiting_jobs", &c.max_waiting_jobs, 1, 1'000'000,
                 "accepted jobs that wait; more are refused");
  schema.bytes("max_image_bytes", &c.max_image_bytes, 1, 1LL << 30,
               "largest input that is accepted");
  schema.bytes("max_tensor_bytes", &c.max_tensor_bytes, 1, 1LL << 32,
               "largest feature map that is taken from a worker");
  schema.bytes("max_assembly_bytes", &c.max_assembly_bytes, 1, 1LL << 34,
               "memory for feature maps that are arriving, in all");
  schema.bytes("max_relay_bytes", &c.max_relay_bytes, 0, 1LL << 34,
               "memory for feature maps that are forwarded while they arrive, in all; those beyond "
               "it are forwarded once they are stored; 0: all are");
  schema.bytes(
      "share_inputs_above", &c.share_inputs_above, 0, 1LL << 40,
      "an input larger than this is sent once to a worker for all tasks of a job that take "
      "it");
  schema.bytes("max_file_bytes", &c.max_file_bytes, 1, kTera, "largest file of a model");
  schema.integer("max_workers", &c.max_workers, 1, 10'000, "workers that are remembered");
  schema.integer("max_models", &c.max_models, 1, 10'000, "models that can be deployed");
  schema.integer("max_timeline_events", &c.max_timeline_events, 10, 100'000,
                 "events that are kept in a job's timeline");
  schema.bytes("disk_reserve_bytes", &c.disk_reserve_bytes, 0, kTera,
               "new jobs are refused when the disk has less left");
  schema.integer("keep_finished_jobs", &c.keep_finished_jobs, 0, 1'000'000,
                 "done jobs whose answer and timeline are kept");
  schema.integer("keep_failed_jobs", &c.keep_failed_jobs, 0, 1'000'000,
                 "failed jobs that are kept, with timeline and input, to be replayed");
  schema.integer("keep_feature_maps", &c.keep_feature_maps, 0, 1'000'000,
                 "done jobs whose feature maps are kept");
  schema.integer("keep_feature_maps_hours", &c.keep_feature_maps_hours, 1, 100'000,
                 "hours that feature maps of done jobs are kept at most");
  schema.integer("keep_feature_maps_percent", &c.keep_feature_maps_percent, 0, 100,
                 "percent of the disk that feature maps of finished jobs may take; the oldest go");
}

void declare_votes(runtime::Schema& schema, Config& c) {
  schema.integer("trust_after", &c.trust_after, 0, 1'000'000,
                 "agreements in a row after which a worker's results are checked by its replicas "
                 "only now and then; 0: always");
  schema.integer("check_one_in", &c.check_one_in, 1, 1'000'000,
                 "one result in so many of a trusted worker is still checked");
  schema.integer("spot_check_one_in", &c.spot_check_one_in, 0, 1'000'000,
                 "one job whose answer is known is mixed in for so many of a model that was "
                 "deployed with --known images; 0: none");
}

void declare_times(runtime::Schema& schema, Config& c) {
  schema.integer("max_attempts", &c.max_attempts, 1, 1000,
                 "how often a partition of a job may fail, over all workers, before the job does");
  schema.integer("max_losses", &c.max_losses, 1, 1'000'000,
                 "how many workers a partition of a job may outlive before the job fails");
  schema.integer("max_workers_lost", &c.max_workers_lost, 1, 1'000'000,
                 "different workers that may be lost while they compute a partition of a job");
  schema.integer("retry_delay_ms", &c.retry_delay_ms, 0, kDay,
                 "ms before a failed partition is tried again, times the failures so far");
  schema.integer(
      "lease_ms", &c.lease_ms, 100, kDay,
      "ms a worker has a task for; each heartbeat that lists it begins them anew; without "
      "one it is sent again");
  schema.integer(
      "worker_silence_phi", &c.worker_silence_phi, 1, 100,
      "a worker counts as gone when its heartbeat is so late that the odds against it are "
      "1 to 10 to the power of this");
  schema.integer("worker_silence_ms", &c.worker_silence_ms, 500, kDay,
                 "ms without a word from a worker until it counts as gone in any case");
  schema.integer("straggler_factor", &c.straggler_factor, 2, 1000,
                 "a task that takes so many times as long as expected is given to a second worker");
  schema.integer("straggler_after_ms", &c.straggler_after_ms, 10, kDay,
                 "ms that no task is late before");
  schema.integer("result_timeout_ms", &c.result_timeout_ms, 1000, kDay,
                 "ms that the outputs of a finished task may take to arrive");
  schema.integer("task_timeout_ms", &c.task_timeout_ms, 1000, 7 * kDay,
                 "ms a task may take in all, the worker's queue and loading included");
  schema.integer("file_grace_ms", &c.file_grace_ms, 1000, kDay,
                 "ms that uploaded files which belong to no model are kept");
  schema.integer("scrub_period_ms", &c.scrub_period_ms, 0, kDay,
                 "ms between two parts (256K) of stored files that are read to find rot; 0: never");
}

}  // namespace

void declare(runtime::Schema& schema, Config& config) {
  runtime::declare(schema, config.broker);
  schema.text("id", &config.id, "name of this hub, part of its status topic");
  schema.text("data_folder", &config.data_folder, "folder of the store");
  schema.text("backup_folder", &config.backup_folder,
              "folder below which backups are written; empty: backups in the data_folder");
  service::declare_compression(schema, &config.compression);
  service::declare_log_level(schema, &config.log_level);
  declare_bounds(schema, config);
  declare_votes(schema, config);
  declare_times(schema, config);
}

}  // namespace hyps::hub
