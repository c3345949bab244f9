#include <optional>

#include "services/hub/keys.hpp"
#include "services/hub/records.hpp"

namespace hyps::hub {

namespace {

using store::Store;

// Calls `take` with every record below the prefix; what it cannot read is listed and left alone.
template <typename Take>
Status each_record(const Store& store, std::string_view prefix, Restored& out, Take take) {
  std::string last;
  const auto visit = [&](std::string_view key, const Result<Blob>& record) {
    last = key;
    const Status taken =
        record.ok() ? take(std::string(key.substr(prefix.size())), *record) : record.error();
    if (!taken.ok()) out.damaged.push_back(last + ": " + taken.error().message);
    return true;
  };
  const Status scanned = store.scan(
      prefix, [&](std::string_view key, const Blob& record) { return visit(key, record); });
  if (scanned.ok() || scanned.error().kind != ErrorKind::corrupt) return scanned;
  // A scan ends at a value that has rotted. The rest one by one: slower, but nothing is left out.
  std::vector<std::string> rest;
  HYPS_CHECK(store.scan_keys(prefix, [&](std::string_view key) {
    if (last.empty() || key > last) rest.emplace_back(key);
    return true;
  }));
  for (const std::string& key : rest) visit(key, store.get(key));
  return {};
}

Status read_models(const Store& store, Restored& out) {
  HYPS_CHECK(each_record(store, kModels, out, [&](const std::string&, const Blob& r) -> Status {
    HYPS_TRY(auto model, decode_model(r));
    out.models.push_back(std::move(model));
    return {};
  }));
  HYPS_CHECK(each_record(store, kPlans, out, [&](const std::string&, const Blob& r) -> Status {
    HYPS_TRY(auto plan, decode_model(r));
    out.plans.push_back(std::move(plan));
    return {};
  }));
  HYPS_CHECK(each_record(store, kWorkers, out, [&](const std::string&, const Blob& r) -> Status {
    HYPS_TRY(auto worker, decode_worker(r));
    out.workers.push_back(std::move(worker));
    return {};
  }));
  HYPS_CHECK(each_record(store, kReputations, out,
                         [&](const std::string& worker, const Blob& r) -> Status {
                           HYPS_TRY(out.reputations[WorkerId(worker)], decode_reputation(r));
                           return {};
                         }));
  return each_record(store, kTotals, out, [&](const std::string& name, const Blob& r) -> Status {
    HYPS_TRY(out.totals[ModelName(name)], decode_totals(r));
    return {};
  });
}

Status read_files(const Store& store, Restored& out) {
  HYPS_CHECK(each_record(store, kFiles, out, [&](const std::string& hex, const Blob& r) -> Status {
    HYPS_TRY(const FileRecord record, decode_file(r));
    const auto digest = Digest::from_hex(hex);
    if (digest) out.files[*digest].record = record;
    return {};
  }));
  return store.scan_keys(kFileParts, [&](std::string_view key) {
    const auto part = parse_file_part_key(key);
    if (!part) return true;
    Restored::File& file = out.files[part->file];  // 0 bytes: its record is lost
    if (!file.record.verified) file.parts.insert(part->offset);
    return true;
  });
}

Status read_stored_tensors(const Store& store, Job& job, Restored& out) {
  const std::string prefix = feature_map_refs_of(job.summary.id);
  return each_record(store, prefix, out, [&](const std::string& tensor, const Blob& r) -> Status {
    HYPS_TRY(auto ref, decode_ref(tensor, r));
    job.stored.emplace(tensor, std::move(ref));
    return {};
  });
}

Status read_jobs(const Store& store, Restored& out) {
  HYPS_CHECK(store.scan_keys(kUnannounced, [&](std::string_view key) {
    out.unannounced.insert(JobId(std::string(key.substr(std::string_view(kUnannounced).size()))));
    return true;
  }));
  HYPS_CHECK(each_record(store, kJobs, out, [&](const std::string&, const Blob& r) -> Status {
    HYPS_TRY(Job job, decode_job_at_start(r));
    const JobState state = job.summary.state;
    const bool finished = state == JobState::done || state == JobState::failed;
    if (finished && !out.unannounced.contains(job.summary.id)) job.answer.clear();
    out.jobs.push_back(std::move(job));
    return {};
  }));
  for (Job& job : out.jobs) {
    const JobState state = job.summary.state;
    if (state == JobState::done || state == JobState::failed) continue;
    HYPS_CHECK(read_stored_tensors(store, job, out));
  }
  HYPS_CHECK(store.scan_keys(kUnconfirmed, [&](std::string_view key) {
    const std::string_view rest = key.substr(std::string_view(kUnconfirmed).size());
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return true;
    out.unconfirmed[JobId(std::string(rest.substr(0, slash)))].insert(
        PartitionName(std::string(rest.substr(slash + 1))));
    return true;
  }));
  return each_record(store, kFeatureMapRefs, out, [&](const std::string& key, const Blob& r) {
    out.feature_maps[JobId(key.substr(0, key.find('/')))] += decode_ref_bytes(r);
    return Status();  // a damaged one is found when it is needed
  });
}

}  // namespace

Result<Restored> read_records(const Store& store) {
  Restored out;
  HYPS_CHECK(read_models(store, out));
  HYPS_CHECK(read_files(store, out));
  HYPS_CHECK(read_jobs(store, out));
  return out;
}

}  // namespace hyps::hub
