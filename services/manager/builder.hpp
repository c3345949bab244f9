// Builder: from a model's files to a plan and its bundles on disk. Heavy; runs on a thread of its
// own.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "common/base/result.hpp"
#include "services/manager/events.hpp"

namespace hyps::manager {

struct BuildOrder {
  ModelName model;
  std::filesystem::path files;     // folder with the model's files under their names
  std::filesystem::path bundles;   // where to write: a folder for each partition
  std::string wanted_plan_json;    // empty: plan
  std::string wanted_replication;  // JSON; of a plan made here; empty: none
  std::string wanted_objective;    // of a plan made here; empty: latency
  std::vector<planning::Device> devices;
};

struct BuildFailure {
  PrepareFailed::Cause cause = PrepareFailed::Cause::model;
  std::string message;
};
struct Built {
  std::string plan_json;
  std::vector<PartitionName> partitions;  // each in bundles/<name>
};
using BuildResult = std::variant<Built, BuildFailure>;

// Stops between two partitions when `cancelled` (cause: passing).
BuildResult build(const BuildOrder& order, const std::atomic<bool>& cancelled);

}  // namespace hyps::manager
