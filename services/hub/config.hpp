// What the hub can be told: one struct, each key with default, unit and range in declare().
#pragma once

#include <cstdint>
#include <string>

#include "common/runtime/config.hpp"

namespace hyps::hub {

struct Config {
  runtime::BrokerConfig broker;
  std::string id = "hub";
  std::string data_folder = "hyps-data";
  std::string backup_folder;
  std::string compression = "auto";
  std::string log_level = "info";

  std::int64_t jobs_in_flight = 4;
  std::int64_t bytes_in_flight = 4LL << 20;
  std::int64_t worker_credits = 2;
  std::int64_t worker_ahead_ms = 20;
  std::int64_t max_waiting_jobs = 1000;
  std::int64_t max_image_bytes = 16LL << 20;
  std::int64_t max_tensor_bytes = 256LL << 20;
  std::int64_t max_assembly_bytes = 384LL << 20;
  std::int64_t max_relay_bytes = 128LL << 20;
  std::int64_t share_inputs_above = 16LL << 10;
  std::int64_t max_file_bytes = 4LL << 30;
  std::int64_t max_workers = 256;
  std::int64_t max_models = 64;
  std::int64_t max_timeline_events = 500;
  std::int64_t disk_reserve_bytes = 256LL << 20;
  std::int64_t keep_finished_jobs = 1000;
  std::int64_t keep_failed_jobs = 100;
  std::int64_t keep_feature_maps = 16;
  std::int64_t keep_feature_maps_hours = 24;
  std::int64_t keep_feature_maps_percent = 20;

  std::int64_t trust_after = 0;
  std::int64_t check_one_in = 10;
  std::int64_t spot_check_one_in = 50;

  std::int64_t max_attempts = 5;
  std::int64_t max_losses = 50;
  std::int64_t max_workers_lost = 3;
  std::int64_t retry_delay_ms = 200;
  std::int64_t lease_ms = 2000;
  std::int64_t worker_silence_phi = 8;
  std::int64_t worker_silence_ms = 5000;
  std::int64_t straggler_factor = 3;
  std::int64_t straggler_after_ms = 1000;
  std::int64_t result_timeout_ms = 30'000;
  std::int64_t task_timeout_ms = 300'000;
  std::int64_t file_grace_ms = 600'000;
  std::int64_t scrub_period_ms = 1000;
};

void declare(runtime::Schema& schema, Config& config);

}  // namespace hyps::hub
