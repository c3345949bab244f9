#include "services/hub/keys.hpp"

#include <fmt/format.h>

#include <charconv>

namespace hyps::hub {

std::string model_key(const ModelName& model) { return kModels + model.text; }
std::string plan_key(const PlanId& plan) { return kPlans + plan.text; }
std::string worker_key(const WorkerId& worker) { return kWorkers + worker.text; }
std::string job_key(const JobId& job) { return kJobs + job.text; }
std::string unannounced_key(const JobId& job) { return kUnannounced + job.text; }
std::string totals_key(const ModelName& model) { return kTotals + model.text; }
std::string reputation_key(const WorkerId& worker) { return kReputations + worker.text; }
std::string unconfirmed_key(const JobId& job, const PartitionName& partition) {
  return kUnconfirmed + job.text + "/" + partition.text;
}

// A job's name holds no '/', so one job's prefix is never the beginning of another's.
std::string feature_maps_of(const JobId& job) { return kFeatureMaps + job.text + "/"; }
std::string feature_map_refs_of(const JobId& job) { return kFeatureMapRefs + job.text + "/"; }
std::string feature_map_key(const JobId& job, const std::string& tensor) {
  return feature_maps_of(job) + tensor;
}
std::string feature_map_ref_key(const JobId& job, const std::string& tensor) {
  return feature_map_refs_of(job) + tensor;
}

std::string file_key(const Digest& file) { return kFiles + file.hex(); }
std::string file_parts_of(const Digest& file) { return kFileParts + file.hex() + "/"; }
std::string file_part_key(const Digest& file, std::uint64_t offset) {
  return fmt::format("{}{:016x}", file_parts_of(file), offset);
}

std::optional<FilePart> parse_file_part_key(std::string_view key) {
  if (key.size() != 2 + 32 + 1 + 16 || !key.starts_with(kFileParts)) return std::nullopt;
  const auto file = Digest::from_hex(key.substr(2, 32));
  FilePart part;
  const char* end = key.data() + key.size();
  if (!file || std::from_chars(end - 16, end, part.offset, 16).ptr != end) return std::nullopt;
  part.file = *file;
  return part;
}

}  // namespace hyps::hub
