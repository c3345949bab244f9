#include "services/hub/spot_audit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/voting/audit.hpp"
#include "common/voting/known.hpp"
#include "services/hub/file_ranges.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/redo.hpp"
#include "services/hub/reputations.hpp"

namespace hyps::hub {

namespace {

using voting::KnownTensor;
using voting::Likeness;

struct Audit {
  JobId job;
  Digest maps;
  std::uint64_t bytes = 0;
  std::map<std::string, KnownTensor> known;
  std::vector<std::string> left;  // tensors to look at; the last one is next
  std::map<std::string, Likeness> tensors;
};
using AuditPtr = std::shared_ptr<Audit>;

// "t#1.3", slice 1 of 3, is a piece of "t".
std::string whole_of(const std::string& tensor) { return tensor.substr(0, tensor.find('#')); }

// The bytes of a slice, cut out of the whole tensor. nullopt: it cannot be one.
std::optional<Blob> cut_slice(const partition::Partition& partition, const cnn::Value& value,
                              const Blob& whole) {
  const auto axis = static_cast<std::size_t>(partition.slice_axis);
  const cnn::Range range = partition.slice;
  if (partition.slice_axis < 0 || axis >= value.shape.size()) return std::nullopt;
  std::size_t outer = 1;
  std::size_t inner = sizeof(float);
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    const auto extent = static_cast<std::size_t>(value.shape[i]);
    if (i < axis) outer *= extent;
    if (i > axis) inner *= extent;
  }
  const auto begin = static_cast<std::size_t>(range.begin) * inner;
  const auto size = static_cast<std::size_t>(range.end - range.begin) * inner;
  if (outer == 0 || whole.size() % outer != 0) return std::nullopt;
  const std::size_t row = whole.size() / outer;
  if (begin + size > row) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < outer; ++i) bytes += whole.text().substr(i * row + begin, size);
  return Blob::of(std::move(bytes));
}

std::vector<WorkerId> makers_of(const Job& job) {
  std::set<WorkerId> workers;
  for (const auto& [index, maker] : job.made_by) workers.insert(maker.worker);
  return {workers.begin(), workers.end()};
}

void conclude(State& s, const JobId& id, SpotCheckNote note) {
  const Job& job = *s.find_job(id);
  note.unix_ms = s.now.unix_ms;
  note.model = job.summary.model;
  note.job = id;
  note.image = *job.summary.known_image;
  note.took_part = makers_of(job);
  const bool wrong = note.outcome == SpotCheckNote::Outcome::wrong;
  if (wrong) s.spot_checks.due.insert(note.model);
  s.log(wrong ? Log::Level::error : Log::Level::info, "spot_check",
        {{"model", note.model.text}, {"job", id.text}, {"detail", note.detail}});
  s.spot_checks.notes.push_back(std::move(note));
  if (s.spot_checks.notes.size() > kMaxSpotCheckNotes) s.spot_checks.notes.pop_front();
  std::erase_if(s.spot_checks.traces,
                [&](const auto& trace) { return !s.plans.contains(std::get<0>(trace.first)); });
  forget_spot_check(s, id);
}

// By partition: what it was given and made, in this job.
SpotChecks::Trace trace_of(const Job& job, const partition::Partition& partition, std::size_t i) {
  SpotChecks::Trace trace;
  const auto maker = job.made_by.find(i);
  if (maker != job.made_by.end()) trace.maker = maker->second;
  trace.inputs = inputs_of(job, partition);
  for (const auto& output : partition.outputs) trace.outputs.push_back(job.stored.at(output.name));
  return trace;
}

// The same process made two things of the same bytes: one of them is a lie. True: it did.
bool contradicts_itself(State& s, const Job& job, const PlanState& plan, std::size_t i) {
  const auto& partition = plan.plan.partitions[i];
  if (!inputs_stored(job, partition) || !outputs_stored(job, partition)) return false;
  SpotChecks::Trace trace = trace_of(job, partition, i);
  if (trace.maker.worker.empty()) return false;
  SpotChecks::Trace& before =
      s.spot_checks.traces[{plan.id, partition.name, *job.summary.known_image}];
  const bool lied = before.maker == trace.maker && before.inputs == trace.inputs &&
                    before.outputs != trace.outputs;
  before = std::move(trace);
  return lied;
}

void accuse_maker(State& s, const Job& job, const PlanState& plan, std::size_t i,
                  const std::string& why, SpotCheckNote& note) {
  const auto maker = job.made_by.find(i);
  if (maker == job.made_by.end()) return;
  const WorkerId worker = maker->second.worker;
  const auto& partition = plan.plan.partitions[i];
  note.detail += fmt::format("{}{} of {} {}", note.detail.empty() ? "" : "; ", partition.name.text,
                             worker.text, why);
  if (std::find(note.liars.begin(), note.liars.end(), worker) != note.liars.end()) return;
  note.liars.push_back(worker);
  count_lie(s, worker, key_of(job, partition), "spot check: " + why);
}

void finish(State& s, const AuditPtr& audit) {
  const Job* job = s.find_job(audit->job);
  const PlanState* plan = job == nullptr ? nullptr : s.find_plan(job->summary.plan);
  if (plan == nullptr) return;
  std::vector<voting::Made> made;
  for (const auto& partition : plan->plan.partitions) {
    made.emplace_back();
    for (const auto& input : partition.inputs) made.back().inputs.push_back(input.name);
    for (const auto& output : partition.outputs) made.back().outputs.push_back(output.name);
  }
  const voting::Findings findings = voting::judge(made, audit->tensors);
  SpotCheckNote note;
  // What was made again need not be what the next partition was given: it proves nothing.
  for (std::size_t i = 0; i < made.size() && !job->remade; ++i) {
    const bool proven = std::count(findings.liars.begin(), findings.liars.end(), i) > 0;
    if (proven) accuse_maker(s, *job, *plan, i, "did not make the known of the known", note);
    if (!contradicts_itself(s, *job, *plan, i)) continue;
    accuse_maker(s, *job, *plan, i, "made something else of the same before", note);
  }
  if (findings.suspect && note.liars.empty()) {
    const auto maker = job->made_by.find(*findings.suspect);
    note.detail = fmt::format("nobody is proven to lie; it goes wrong first at {} of {}",
                              plan->plan.partitions[*findings.suspect].name.text,
                              maker == job->made_by.end() ? "?" : maker->second.worker.text);
  }
  const bool right = findings.right && note.liars.empty();
  note.outcome = right ? SpotCheckNote::Outcome::right : SpotCheckNote::Outcome::wrong;
  if (right) note.detail = "as known";
  if (right && !job->summary.error.empty()) {  // it may be nobody's fault
    note.outcome = SpotCheckNote::Outcome::unfinished;
    note.detail = "not finished: " + job->summary.error;
  }
  if (note.detail.empty()) note.detail = "nobody is proven to lie: something was made twice";
  const std::vector<WorkerId> liars = note.liars;
  conclude(s, audit->job, std::move(note));
}

void look_at_next(State& s, const AuditPtr& audit);

void compare(State& s, const AuditPtr& audit, const std::string& tensor, const Blob& known,
             const Result<Blob>& made) {
  const Job* job = s.find_job(audit->job);
  if (job == nullptr) return;
  const bool readable =
      made.ok() && digest_of(made->bytes()) == job->stored.at(tensor).digest;  // no rot
  if (readable) {
    audit->tensors[tensor] = tensor == partition::kAnswerTensor
                                 ? voting::likeness_of_answers(*made, known)
                                 : voting::likeness(*made, known);
  }
  look_at_next(s, audit);
}

// The known bytes of this tensor, of which `whole` holds all or a slice.
std::optional<Blob> known_bytes(const PlanState& plan, const std::string& tensor,
                                const Blob& whole) {
  if (tensor == whole_of(tensor)) return whole;
  const auto producer = plan.producer.find(tensor);
  if (producer == plan.producer.end()) return std::nullopt;
  const auto& partition = plan.plan.partitions[producer->second];
  for (const auto& output : partition.outputs) {
    if (output.name == tensor) return cut_slice(partition, output, whole);
  }
  return std::nullopt;
}

void on_known_read(State& s, const AuditPtr& audit, const std::string& tensor,
                   const Result<Blob>& whole) {
  const Job* job = s.find_job(audit->job);
  const PlanState* plan = job == nullptr ? nullptr : s.find_plan(job->summary.plan);
  if (plan == nullptr) return;
  std::optional<Blob> known;
  if (whole.ok()) known = known_bytes(*plan, tensor, *whole);
  if (!known) return look_at_next(s, audit);  // unknown
  if (digest_of(known->bytes()) == job->stored.at(tensor).digest) {
    audit->tensors[tensor] = Likeness::same;
    return look_at_next(s, audit);
  }
  s.read(feature_map_key(audit->job, tensor),
         [&s, audit, tensor, bytes = *known](const Result<Blob>& made) {
           compare(s, audit, tensor, bytes, made);
         });
}

void look_at_next(State& s, const AuditPtr& audit) {
  const Job* job = s.find_job(audit->job);
  if (job == nullptr) return;  // dropped meanwhile
  while (!audit->left.empty()) {
    const std::string tensor = audit->left.back();
    audit->left.pop_back();
    const auto known = audit->known.find(whole_of(tensor));
    if (known == audit->known.end()) continue;
    if (tensor == known->first && known->second.digest == job->stored.at(tensor).digest) {
      audit->tensors[tensor] = Likeness::same;
      continue;
    }
    const std::uint64_t begin = known->second.offset;
    return read_range(
        s, audit->maps, begin, begin + known->second.bytes,
        [&s, audit, tensor](const Result<Blob>& whole) { on_known_read(s, audit, tensor, whole); });
  }
  finish(s, audit);
}

void on_index_read(State& s, const AuditPtr& audit, const Result<Blob>& index) {
  const Job* job = s.find_job(audit->job);
  if (job == nullptr) return;
  auto tensors = index.ok() ? voting::parse_known_index(index->text(), audit->bytes)
                            : Result<std::vector<KnownTensor>>(index.error());
  if (!tensors.ok()) return conclude_unfinished(s, audit->job, tensors.error().message);
  for (KnownTensor& tensor : *tensors) audit->known.emplace(tensor.name, std::move(tensor));
  audit->tensors[partition::kImageTensor] = Likeness::same;
  for (const auto& [tensor, ref] : job->stored) {
    if (tensor != partition::kImageTensor) audit->left.push_back(tensor);
  }
  look_at_next(s, audit);
}

void on_header_read(State& s, const AuditPtr& audit, const Result<Blob>& header) {
  const auto bytes = header.ok() ? voting::known_index_bytes(header->text())
                                 : Result<std::uint64_t>(header.error());
  if (!bytes.ok()) return conclude_unfinished(s, audit->job, bytes.error().message);
  read_range(s, audit->maps, voting::kKnownHeaderBytes, voting::kKnownHeaderBytes + *bytes,
             [&s, audit](const Result<Blob>& index) { on_index_read(s, audit, index); });
}

}  // namespace

void audit(State& s, const JobId& id, const KnownImage& known) {
  const auto begun = std::make_shared<Audit>();
  begun->job = id;
  begun->maps = known.maps.digest;
  begun->bytes = known.maps.bytes;
  read_range(s, begun->maps, 0, voting::kKnownHeaderBytes,
             [&s, begun](const Result<Blob>& header) { on_header_read(s, begun, header); });
}

void conclude_unfinished(State& s, const JobId& id, const std::string& why) {
  if (s.find_job(id) == nullptr) return;
  SpotCheckNote note;
  note.detail = "not finished: " + why;
  conclude(s, id, std::move(note));
}

}  // namespace hyps::hub
