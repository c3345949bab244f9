// manifest.json of a bundle directory: what the partition takes and gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::worker {

struct Manifest {
  std::string kind;  // partition::to_string(Kind)
  std::string partition;
  std::string plan;
  std::vector<cnn::Value> inputs;
  std::vector<cnn::Value> outputs;
  std::int64_t memory_bytes = 0;
};

Result<Manifest> read_manifest(const std::filesystem::path& file);

}  // namespace hyps::worker
