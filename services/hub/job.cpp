#include "services/hub/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "services/hub/hex.hpp"

namespace hyps::hub {

using nlohmann::json;

const Dispatch* Task::with(const WorkerId& worker) const {
  const auto at = std::find_if(dispatches.begin(), dispatches.end(),
                               [&](const Dispatch& dispatch) { return dispatch.worker == worker; });
  return at == dispatches.end() ? nullptr : &*at;
}

Dispatch* Task::with(const WorkerId& worker) {
  return const_cast<Dispatch*>(std::as_const(*this).with(worker));
}

const char* to_string(JobState state) {
  switch (state) {
    case JobState::accepting:
    case JobState::waiting:
      return "waiting";
    case JobState::running:
    case JobState::closing:
      return "running";
    case JobState::done:
      return "done";
    case JobState::failed:
      return "failed";
  }
  return "failed";
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const JobSummary& job, const TimelineEvent& event) {
  json out = {{"id", fmt::format("{}/{}", job.id.text, event.n)},
              {"job", job.id.text},
              {"model", job.model.text},
              {"n", event.n},
              {"unix_ms", event.unix_ms},
              {"ms", event.ms},
              {"event", event.event}};
  if (!event.partition.empty()) out["partition"] = event.partition;
  if (!event.worker.empty()) out["worker"] = event.worker;
  if (event.compute_ms) out["compute_ms"] = *event.compute_ms;
  if (event.load_ms) out["load_ms"] = *event.load_ms;
  if (!event.detail.empty()) out["detail"] = event.detail;
  return out;
}

json to_json(const JobSummary& job) {
  json out = {{"job", job.id.text},
              {"model", job.model.text},
              {"plan", job.plan.text},
              {"state", to_string(job.state)},
              {"accepted_unix_ms", job.accepted_unix_ms},
              {"recoveries", job.recoveries},
              {"votes", job.votes},
              {"stored", job.stored},
              {"partitions", job.partitions}};
  const bool finished = job.state == JobState::done || job.state == JobState::failed;
  out["finished_unix_ms"] = finished ? json(job.finished_unix_ms) : json(nullptr);
  out["latency_ms"] = finished ? json(job.latency_ms) : json(nullptr);
  out["error"] = job.error;
  return out;
}

namespace {

json timeline_json(const TimelineEvent& event) {
  json out = {event.n, event.unix_ms, event.ms, event.event, event.partition, event.worker};
  out.push_back(event.compute_ms ? json(*event.compute_ms) : json(nullptr));
  out.push_back(event.load_ms ? json(*event.load_ms) : json(nullptr));
  out.push_back(event.detail);
  return out;
}

std::optional<double> number_or_nothing(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<double>();
}

TimelineEvent timeline_event(const json& in) {
  TimelineEvent event;
  event.n = in.at(0).get<std::uint64_t>();
  event.unix_ms = in.at(1).get<std::int64_t>();
  event.ms = in.at(2).get<std::int64_t>();
  event.event = in.at(3).get<std::string>();
  event.partition = in.at(4).get<std::string>();
  event.worker = in.at(5).get<std::string>();
  event.compute_ms = number_or_nothing(in.at(6));
  event.load_ms = number_or_nothing(in.at(7));
  event.detail = in.at(8).get<std::string>();
  return event;
}

// A job that is being accepted or closed is written as what it is once the write has succeeded.
const char* state_in_record(const Job& job) {
  if (job.summary.state != JobState::closing) return to_string(job.summary.state);
  return job.summary.error.empty() ? "done" : "failed";
}

JobState state_from_record(const std::string& text) {
  if (text == "waiting") return JobState::waiting;
  if (text == "running") return JobState::running;
  return text == "done" ? JobState::done : JobState::failed;
}

Job job_from_json(const json& in) {
  Job job;
  JobSummary& summary = job.summary;
  summary.id = JobId(in.at("job").get<std::string>());
  summary.model = ModelName(in.at("model").get<std::string>());
  summary.plan = PlanId(in.at("plan").get<std::string>());
  summary.state = state_from_record(in.at("state").get<std::string>());
  summary.sequence = in.at("sequence").get<std::uint64_t>();
  summary.accepted_unix_ms = in.at("accepted").get<std::int64_t>();
  summary.finished_unix_ms = in.at("finished").get<std::int64_t>();
  summary.latency_ms = in.at("latency").get<std::int64_t>();
  summary.recoveries = in.at("recoveries").get<std::int64_t>();
  summary.votes = in.at("votes").get<std::int64_t>();
  summary.stored = in.at("stored").get<std::int64_t>();
  summary.partitions = in.at("partitions").get<std::int64_t>();
  summary.image = Digest::from_hex(in.at("image").get<std::string>()).value_or(Digest{});
  summary.error = in.at("error").get<std::string>();
  if (in.contains("known_image")) summary.known_image = in.at("known_image").get<std::size_t>();
  job.next_event = in.at("next_event").get<std::uint64_t>();
  job.answer = in.at("answer").get<std::string>();
  // See decode_job_at_start.
  for (const json& event : in.value("timeline", json::array())) {
    job.timeline.push_back(timeline_event(event));
  }
  for (const json& asker : in.at("askers")) {
    job.askers.push_back(
        {asker.at(0).get<std::string>(), from_hex(asker.at(1).get<std::string>())});
  }
  return job;
}

}  // namespace

Blob encode_job(const Job& job) {
  const JobSummary& summary = job.summary;
  json out = {{"job", summary.id.text},
              {"model", summary.model.text},
              {"plan", summary.plan.text},
              {"state", state_in_record(job)},
              {"sequence", summary.sequence},
              {"accepted", summary.accepted_unix_ms},
              {"finished", summary.finished_unix_ms},
              {"latency", summary.latency_ms},
              {"recoveries", summary.recoveries},
              {"votes", summary.votes},
              {"stored", summary.stored},
              {"partitions", summary.partitions},
              {"image", summary.image.hex()},
              {"error", summary.error},
              {"next_event", job.next_event},
              {"answer", job.answer}};
  if (summary.known_image) out["known_image"] = *summary.known_image;
  out["timeline"] = json::array();
  for (const auto& event : job.timeline) out["timeline"].push_back(timeline_json(event));
  out["askers"] = json::array();
  for (const auto& asker : job.askers) {
    out["askers"].push_back(json::array({asker.response_topic, to_hex(asker.correlation)}));
  }
  return Blob::of(dump(out));
}

namespace {

Result<Job> decode_job(const Blob& record, const json::parser_callback_t& keep) {
  try {
    return job_from_json(json::parse(record.text(), keep));
  } catch (const json::exception& error) {
    return Error{ErrorKind::corrupt, fmt::format("a job's record is damaged: {}", error.what())};
  }
}

// Leaves out the timeline of a job whose state, which stands before it, says that it is finished.
class WithoutOldTimelines {
 public:
  // Depth 1 is the record itself; there are no keys below.
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::key) {
      is_state_ = parsed == "state";
      is_leaving_out_ = is_finished_ && parsed == "timeline";
    } else if (is_state_ && depth == 1 && event == json::parse_event_t::value) {
      is_finished_ = parsed == "done" || parsed == "failed";
    }
    return !is_leaving_out_;
  }

 private:
  bool is_state_ = false;
  bool is_finished_ = false;
  bool is_leaving_out_ = false;
};

}  // namespace

Result<Job> decode_job(const Blob& record) { return decode_job(record, nullptr); }

Result<Job> decode_job_at_start(const Blob& record) {
  return decode_job(record, WithoutOldTimelines());
}

}  // namespace hyps::hub
