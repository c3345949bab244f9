// How much memory this process may use at all.
#pragma once

#include <cstdint>
#include <filesystem>

namespace hyps::worker {

// The least of what the machine has and what its cgroups (v1 or v2) allow. `root` is for tests.
std::int64_t memory_limit_bytes(const std::filesystem::path& root = "/");

}  // namespace hyps::worker
