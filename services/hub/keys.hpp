// Where things are in the store (README.md, "Keys").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/digest.hpp"
#include "common/base/ids.hpp"

namespace hyps::hub {

inline constexpr const char* kModels = "m/";
inline constexpr const char* kPlans = "p/";
inline constexpr const char* kWorkers = "w/";
inline constexpr const char* kJobs = "j/";
inline constexpr const char* kUnannounced = "u/";
inline constexpr const char* kFeatureMaps = "c/";
inline constexpr const char* kFeatureMapRefs = "d/";
inline constexpr const char* kFiles = "F/";
inline constexpr const char* kFileParts = "f/";
inline constexpr const char* kTotals = "t/";
inline constexpr const char* kReputations = "r/";
inline constexpr const char* kUnconfirmed = "n/";

std::string model_key(const ModelName& model);
std::string plan_key(const PlanId& plan);
std::string worker_key(const WorkerId& worker);
std::string job_key(const JobId& job);
std::string unannounced_key(const JobId& job);
std::string feature_map_key(const JobId& job, const std::string& tensor);
std::string feature_map_ref_key(const JobId& job, const std::string& tensor);
std::string feature_maps_of(const JobId& job);      // prefix
std::string feature_map_refs_of(const JobId& job);  // prefix
std::string file_key(const Digest& file);
std::string file_part_key(const Digest& file, std::uint64_t offset);
std::string file_parts_of(const Digest& file);  // prefix
std::string totals_key(const ModelName& model);
std::string reputation_key(const WorkerId& worker);
std::string unconfirmed_key(const JobId& job, const PartitionName& partition);

struct FilePart {
  Digest file;
  std::uint64_t offset = 0;
};
std::optional<FilePart> parse_file_part_key(std::string_view key);

}  // namespace hyps::hub
