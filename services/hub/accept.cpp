#include "services/hub/accept.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/units.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

JobId new_job_id(State& s) {
  for (;;) {
    JobId id(fmt::format("{:016x}", s.random.next()));
    if (!s.unfinished.contains(id) && !s.finished.contains(id)) return id;
  }
}

namespace {

constexpr std::size_t kMaxTopicBytes = 512;
constexpr std::size_t kMaxCorrelationBytes = 1024;

// An answer must not reach what listens for something else: our inboxes, or an input topic, where
// it would come back as a job.
bool is_answer_topic(const std::string& topic) {
  if (topic.size() > kMaxTopicBytes) return false;
  if (topic.find_first_of(std::string("+#\0", 3)) != std::string::npos) return false;
  if (topic.front() == '$') return false;
  if (!topic.starts_with("hyps/")) return true;
  return !topic.starts_with("hyps/w/") && !topic.starts_with("hyps/m/") &&
         topic != protocol::kClusterStatus && !protocol::parse_status_topic(topic) &&
         !protocol::model_of_input(topic) && !protocol::peer_of_outbox(topic);
}

Asker asker_of(const UserInput& input) {
  Asker asker;
  if (!input.response_topic.empty() && is_answer_topic(input.response_topic)) {
    asker.response_topic = input.response_topic;
  }
  if (input.correlation.size() <= kMaxCorrelationBytes) asker.correlation = input.correlation;
  return asker;
}

void refuse(State& s, const ModelName& model, const std::string& job_id, const Asker& asker,
            const std::string& why) {
  const std::string job = is_valid_name(job_id) ? job_id : "";
  s.log(Log::Level::warn, "job.refused", {{"model", model.text}, {"job", job}, {"error", why}});
  publish_answer(s, {}, model, failed_answer(JobId(job), model, "refused", why), asker);
}

void refuse(State& s, const UserInput& input, const std::string& why) {
  refuse(s, input.model, input.job_id, asker_of(input), why);
}

// What is wrong with the input itself; empty: nothing.
std::string fault_of(const State& s, const UserInput& input) {
  if (!input.response_topic.empty() && !is_answer_topic(input.response_topic)) {
    return "this response topic cannot be answered on; use one of your own outside hyps/";
  }
  if (input.correlation.size() > kMaxCorrelationBytes) {
    return fmt::format("correlation data is limited to {} bytes", kMaxCorrelationBytes);
  }
  if (!input.job_id.empty() && !is_valid_name(input.job_id)) {
    return "a job-id is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with . or -";
  }
  const auto model = s.models.find(input.model);
  if (model == s.models.end()) {
    return fmt::format("no model is called '{}'; deploy it first", input.model.text);
  }
  if (model->second.state == "failed") {
    return fmt::format("the model cannot be run: {}", model->second.problem);
  }
  if (input.payload.empty()) return "the input is empty";
  if (static_cast<std::int64_t>(input.payload.size()) > s.config.max_image_bytes) {
    return fmt::format("the input has {}, more than the {} allowed",
                       format_bytes(static_cast<std::int64_t>(input.payload.size())),
                       format_bytes(s.config.max_image_bytes));
  }
  return {};
}

void answer_again(State& s, const UserInput& input, const Finished& job) {
  UserInput asked = input;
  asked.payload = {};
  s.read(job_key(job.summary.id), [&s, input = std::move(asked)](const Result<Blob>& record) {
    const Result<Job> stored = record.ok() ? decode_job(*record) : Result<Job>(record.error());
    if (!stored.ok()) {
      return refuse(s, input, "the stored answer cannot be read: " + stored.error().message);
    }
    publish_answer(s, stored->summary.id, stored->summary.model, stored->answer, asker_of(input));
  });
}

// The same job-id is the same job: nothing is computed again. True: it is dealt with.
bool answer_repeated(State& s, const UserInput& input) {
  const JobId id(input.job_id);
  Job* const running = s.find_job(id);
  const auto finished = s.finished.find(id);
  if (running == nullptr && finished == s.finished.end()) return false;
  const JobSummary& known = running != nullptr ? running->summary : finished->second.summary;
  if (known.model != input.model || known.image != digest_of(input.payload.bytes())) {
    refuse(s, input, "this job-id was used before, for another model or input");
  } else if (running == nullptr) {
    answer_again(s, input, finished->second);
  } else {
    auto& askers = running->askers;
    const Asker asker = asker_of(input);
    const bool known_asker = std::find(askers.begin(), askers.end(), asker) != askers.end();
    if (!known_asker && askers.size() < kMaxAskers) askers.push_back(asker);
  }
  return true;
}

void on_accepted(State& s, const JobId& id, const Status& status) {
  Job* job = s.find_job(id);
  if (job == nullptr) return;
  if (!status.ok()) {
    for (const Asker& asker : job->askers) {
      refuse(s, job->summary.model, id.text, asker,
             "the input could not be stored (disk full?): " + status.error().message);
    }
    s.jobs.erase(job->summary.sequence);
    s.unfinished.erase(id);
    return;
  }
  job->summary.state = JobState::waiting;
  s.schedule_due = s.status_due = true;
  s.log(Log::Level::info, "job.accepted", {{"job", id.text}, {"model", job->summary.model.text}});
  tell(s, job->summary, job->timeline.front());
  maybe_spot_check(s, job->summary.model);
}

using Then = std::function<void(const Status&)>;

void accept(State& s, const UserInput& input, const std::string& detail, const Then& then) {
  const JobId id = input.job_id.empty() ? new_job_id(s) : JobId(input.job_id);
  Job job;
  job.summary.id = id;
  job.summary.model = input.model;
  job.summary.sequence = s.next_sequence++;
  job.summary.accepted_unix_ms = s.now.unix_ms;
  job.summary.image = digest_of(input.payload.bytes());
  job.accepted_at = s.now.steady;
  job.askers.push_back(asker_of(input));
  const protocol::TensorRef image{partition::kImageTensor, input.payload.size(), job.summary.image};
  job.stored.emplace(image.tensor, image);
  TimelineEvent accepted;
  accepted.event = "accepted";
  accepted.detail = detail;
  note(s, job, std::move(accepted));

  store::Batch batch;
  batch.sync = true;  // from here on the job is promised
  batch.puts.emplace_back(feature_map_key(id, image.tensor), input.payload);
  batch.puts.emplace_back(feature_map_ref_key(id, image.tensor), encode_ref(image));
  batch.puts.emplace_back(job_key(id), encode_job(job));
  s.unfinished.emplace(id, job.summary.sequence);
  s.jobs.emplace(job.summary.sequence, std::move(job));
  s.persist(std::move(batch), [&s, id, then](const Status& status) {
    on_accepted(s, id, status);
    if (then) then(status);
  });
}

}  // namespace

std::string refusing_because(const State& s) {
  if (static_cast<std::int64_t>(s.jobs.size()) >= s.config.max_waiting_jobs) {
    return fmt::format("the queue is full: {} jobs wait", s.jobs.size());
  }
  if (s.disk_free && *s.disk_free < s.config.disk_reserve_bytes) {
    return fmt::format("disk full: {} left, {} are kept in reserve", format_bytes(*s.disk_free),
                       format_bytes(s.config.disk_reserve_bytes));
  }
  return {};
}

void on_user_input(State& s, const UserInput& input) {
  if (const std::string fault = fault_of(s, input); !fault.empty()) {
    return refuse(s, input, fault);
  }
  if (!input.job_id.empty() && answer_repeated(s, input)) return;
  if (const std::string reason = refusing_because(s); !reason.empty()) {
    s.status_due = true;
    return refuse(s, input, reason);
  }
  accept(s, input, {}, {});
}

void accept_replay(State& s, const UserInput& input, const std::string& detail, const Then& then) {
  if (const std::string fault = fault_of(s, input); !fault.empty()) {
    return then(Error{ErrorKind::invalid, fault});
  }
  if (const std::string reason = refusing_because(s); !reason.empty()) {
    return then(Error{ErrorKind::overloaded, reason});
  }
  accept(s, input, detail, then);
}

}  // namespace hyps::hub
