// The store's records but for jobs (job.hpp), and all of them read at start.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/protocol/messages.hpp"
#include "common/store/store.hpp"
#include "common/voting/reputation.hpp"
#include "services/hub/job.hpp"

namespace hyps::hub {

struct Totals {  // of a model, since it was first deployed
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

struct FileRecord {
  std::uint64_t bytes = 0;
  bool verified = false;  // all parts are there and give the digest
};

// Models and plans are both kept as a ModelRecord; a plan's has no files, a model's no plan_json.
Blob encode_model(const protocol::ModelRecord& model);
Result<protocol::ModelRecord> decode_model(const Blob& record);
Blob encode_worker(const protocol::WorkerInfo& worker);
Result<protocol::WorkerInfo> decode_worker(const Blob& record);
Blob encode_ref(const protocol::TensorRef& ref);
Result<protocol::TensorRef> decode_ref(const std::string& tensor, const Blob& record);
std::int64_t decode_ref_bytes(const Blob& record);  // 0: it is damaged
Blob encode_file(const FileRecord& file);
Result<FileRecord> decode_file(const Blob& record);
Blob encode_totals(const Totals& totals);
Result<Totals> decode_totals(const Blob& record);
Blob encode_reputation(const voting::Reputation& reputation);
Result<voting::Reputation> decode_reputation(const Blob& record);

// What the core begins with. Metadata only: feature maps and files stay on disk.
struct Restored {
  struct File {
    FileRecord record;
    std::set<std::uint64_t> parts;  // offsets; of files that are not verified
  };
  std::vector<protocol::ModelRecord> models;
  std::vector<protocol::ModelRecord> plans;
  std::vector<protocol::WorkerInfo> workers;
  // Unfinished ones with their stored tensors; of finished and announced ones the summary only.
  std::vector<Job> jobs;
  std::set<JobId> unannounced;
  std::map<JobId, std::int64_t> feature_maps;  // their bytes, of every job that has some
  std::map<Digest, File> files;
  std::map<ModelName, Totals> totals;
  std::map<WorkerId, voting::Reputation> reputations;
  std::map<JobId, std::set<PartitionName>> unconfirmed;  // forwarded before the vote
  std::vector<std::string> damaged;  // keys whose records cannot be read; they are left alone
};
Result<Restored> read_records(const store::Store& store);

}  // namespace hyps::hub
