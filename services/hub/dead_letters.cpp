#include "services/hub/dead_letters.hpp"

#include <nlohmann/json.hpp>

#include "services/hub/accept.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/models.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

void keep_input_only(const Job& job, store::Batch& batch) {
  if (is_spot_check(job.summary)) return;  // they may show who has lied
  for (const auto& [tensor, ref] : job.stored) {
    if (tensor == partition::kImageTensor) continue;
    batch.deletes.push_back(feature_map_key(job.summary.id, tensor));
    batch.deletes.push_back(feature_map_ref_key(job.summary.id, tensor));
  }
}

std::int64_t kept_bytes(const Job& job) {
  std::int64_t bytes = 0;
  for (const auto& [tensor, ref] : job.stored) {
    const bool gone = job.summary.state == JobState::failed && tensor != partition::kImageTensor;
    if (!gone) bytes += static_cast<std::int64_t>(ref.bytes);
  }
  return bytes;
}

namespace {

const JobSummary* find_summary(State& s, const JobId& id) {
  if (const Job* job = s.find_job(id)) return &job->summary;
  const auto finished = s.finished.find(id);
  return finished == s.finished.end() ? nullptr : &finished->second.summary;
}

void answer(State& s, const Peer& peer, const protocol::Replay& replay, const ModelName& model) {
  s.send(peer, protocol::Reply{replay.request, dump({{"job", replay.as.text},
                                                     {"model", model.text},
                                                     {"replay_of", replay.job.text}})});
}

Status check(State& s, const protocol::Replay& replay) {
  if (s.find_job(replay.job) != nullptr) {
    return Error{ErrorKind::invalid, "job " + replay.job.text + " is not finished yet"};
  }
  const auto job = s.finished.find(replay.job);
  if (job == s.finished.end()) {
    return Error{ErrorKind::not_found, "no job is called '" + replay.job.text + "'"};
  }
  if (!job->second.has_feature_maps) {
    return Error{ErrorKind::not_found,
                 "the input of job " + replay.job.text +
                     " is not kept any more (the hub's keep_failed_jobs, keep_feature_maps)"};
  }
  if (!is_valid_name(replay.as.text)) {
    return Error{ErrorKind::invalid, "'" + replay.as.text + "' cannot be a job's name"};
  }
  return {};
}

void accept_input(State& s, const Peer& peer, const protocol::Replay& replay, const JobSummary& old,
                  const Result<Blob>& input) {
  if (!input.ok()) return refuse(s, peer, replay.request, input.error());
  if (digest_of(input->bytes()) != old.image) {
    return refuse(s, peer, replay.request,
                  {ErrorKind::corrupt, "the stored input of job " + replay.job.text +
                                           " is damaged; send the input again"});
  }
  const UserInput again{old.model, *input, replay.as.text, {}, {}};
  const auto then = [&s, peer, replay, model = old.model](const Status& accepted) {
    if (!accepted.ok()) return refuse(s, peer, replay.request, accepted.error());
    answer(s, peer, replay, model);
  };
  accept_replay(s, again, "replay of " + replay.job.text, then);
}

}  // namespace

void on_replay(State& s, const Peer& peer, const protocol::Replay& replay) {
  // The same request again, because its answer is late or was lost.
  const JobSummary* old = find_summary(s, replay.job);
  const JobSummary* known = find_summary(s, replay.as);
  if (old != nullptr && known != nullptr && known != old) {
    const bool same = known->model == old->model && known->image == old->image;
    if (same && known->state != JobState::accepting) return answer(s, peer, replay, old->model);
  }
  if (known != nullptr) {
    return refuse(s, peer, replay.request,
                  {ErrorKind::invalid, "there is a job called '" + replay.as.text + "' already"});
  }
  if (const Status status = check(s, replay); !status.ok()) {
    return refuse(s, peer, replay.request, status.error());
  }
  s.read(feature_map_key(replay.job, partition::kImageTensor),
         [&s, peer, replay, summary = *old](const Result<Blob>& input) {
           accept_input(s, peer, replay, summary, input);
         });
}

}  // namespace hyps::hub
