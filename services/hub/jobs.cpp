#include "services/hub/jobs.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/protocol/topics.hpp"
#include "services/hub/dead_letters.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/retention.hpp"
#include "services/hub/spot_checks.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

using nlohmann::json;

namespace {

// The broker has acknowledged what was published this long ago, unless the connection broke.

std::int64_t since_acceptance(const State& s, const Job& job) {
  return std::max<std::int64_t>(0, (s.now.steady - job.accepted_at).count());
}

// Once on the output topic, and on the response topic of each who named one.
void publish_to_all(State& s, const JobId& id, Finished& job) {
  job.published = true;
  Asker anybody;
  for (const Asker& asker : job.askers) {
    if (asker.response_topic.empty()) anybody = asker;
  }
  publish_answer(s, id, job.summary.model, job.answer, anybody);
  for (const Asker& asker : job.askers) {
    if (asker.response_topic.empty()) continue;
    publish_answer(s, id, job.summary.model, job.answer, asker);
  }
}

void close(State& s, Job& job) {
  job.summary.state = JobState::closing;
  job.summary.finished_unix_ms = s.now.unix_ms;
  job.summary.latency_ms = since_acceptance(s, job);
  s.schedule_due = s.status_due = true;
  if (is_spot_check(job.summary)) return;
  Totals& totals = s.totals[job.summary.model];
  ++(job.summary.error.empty() ? totals.done : totals.failed);
}

}  // namespace

TimelineEvent note(State& s, Job& job, TimelineEvent event) {
  event.n = job.next_event++;
  event.unix_ms = s.now.unix_ms;
  event.ms = since_acceptance(s, job);
  // When it is full the beginning stays, and the second oldest makes room.
  if (job.timeline.size() >= static_cast<std::size_t>(s.config.max_timeline_events)) {
    job.timeline.erase(job.timeline.begin() + 1);
  }
  job.timeline.push_back(event);
  return event;
}

void tell(State& s, const JobSummary& job, const TimelineEvent& event) {
  if (is_spot_check(job)) return;
  s.publish_line(protocol::events_topic(job.model), dump(to_json(job, event)));
}

void note_and_tell(State& s, Job& job, TimelineEvent event) {
  tell(s, job.summary, note(s, job, std::move(event)));
}

bool inputs_stored(const Job& job, const partition::Partition& partition) {
  return std::all_of(partition.inputs.begin(), partition.inputs.end(),
                     [&](const auto& input) { return job.stored.contains(input.name); });
}

std::vector<protocol::TensorRef> inputs_of(const Job& job, const partition::Partition& partition) {
  std::vector<protocol::TensorRef> inputs;
  for (const auto& input : partition.inputs) inputs.push_back(job.stored.at(input.name));
  return inputs;
}

bool outputs_stored(const Job& job, const partition::Partition& partition) {
  return std::all_of(partition.outputs.begin(), partition.outputs.end(),
                     [&](const auto& output) { return job.stored.contains(output.name); });
}

protocol::TaskKey key_of(const Job& job, const partition::Partition& partition) {
  return {job.summary.id, job.summary.plan, partition.name};
}

void bind_plan(Job& job, const PlanState& plan) {
  job.summary.plan = plan.id;
  job.summary.state = JobState::running;
  job.summary.partitions = static_cast<std::int64_t>(plan.plan.partitions.size());
  job.summary.stored = 0;
  job.tasks.assign(plan.plan.partitions.size(), {});
  job.made_by.clear();
  for (std::size_t i = 0; i < job.tasks.size(); ++i) {
    if (!outputs_stored(job, plan.plan.partitions[i])) continue;
    job.tasks[i].state = Task::State::stored;
    ++job.summary.stored;
  }
}

std::string failed_answer(const JobId& job, const ModelName& model, const char* state,
                          const std::string& error) {
  return dump({{"job", job.text}, {"model", model.text}, {"state", state}, {"error", error}});
}

void fail_job(State& s, Job& job, const std::string& message) {
  if (job.summary.state == JobState::closing) return;
  drop_tasks(s, job);
  job.summary.error = message.empty() ? "failed for a reason not given" : message;
  close(s, job);
  job.answer = failed_answer(job.summary.id, job.summary.model, "failed", job.summary.error);
  TimelineEvent failed;
  failed.event = "failed";
  failed.detail = job.summary.error;
  note(s, job, std::move(failed));
  s.persist_until_done(
      [&s, id = job.summary.id]() -> std::optional<store::Batch> {
        const Job* failing = s.find_job(id);
        if (failing == nullptr) return std::nullopt;
        store::Batch batch;
        add_closing_records(s, *failing, batch);
        keep_input_only(*failing, batch);
        return batch;
      },
      [&s, id = job.summary.id] { finish_job(s, id); });
}

Status check_report(const Blob& report) {
  if (json::parse(report.text(), nullptr, false).is_object()) return {};
  return Error{ErrorKind::invalid, "the report is no JSON object"};
}

void close_with_answer(State& s, Job& job, const Blob& report) {
  json answer = json::parse(report.text(), nullptr, false);
  close(s, job);
  answer["job"] = job.summary.id.text;
  answer["model"] = job.summary.model.text;
  answer["state"] = "done";
  answer["latency_ms"] = job.summary.latency_ms;
  answer["recoveries"] = job.summary.recoveries;
  answer["votes"] = job.summary.votes;
  job.answer = dump(answer);
  TimelineEvent answered;
  answered.event = "answered";
  note(s, job, std::move(answered));
}

// Votes may be open on what was computed again although the answer no longer needed it.
void drop_marks(const State& s, const JobId& id, store::Batch& batch) {
  const protocol::TaskKey first{id, {}, {}};
  for (auto at = s.ballots.lower_bound(first); at != s.ballots.end() && at->first.job == id; ++at) {
    batch.deletes.push_back(unconfirmed_key(id, at->first.partition));
  }
}

void add_closing_records(const State& s, const Job& job, store::Batch& batch) {
  const JobSummary& summary = job.summary;
  batch.sync = true;  // an outcome that was told must not be forgotten
  batch.puts.emplace_back(job_key(summary.id), encode_job(job));
  drop_marks(s, summary.id, batch);
  if (is_spot_check(summary)) return;
  batch.puts.emplace_back(unannounced_key(summary.id), Blob{});
  const auto totals = s.totals.find(summary.model);
  if (totals != s.totals.end()) {
    batch.puts.emplace_back(totals_key(summary.model), encode_totals(totals->second));
  }
}

namespace {

// A verdict may have been noted since.
void tell_outcome(State& s, const Job& job) {
  const auto outcome =
      std::find_if(job.timeline.rbegin(), job.timeline.rend(), [](const TimelineEvent& event) {
        return event.event == "answered" || event.event == "failed";
      });
  if (outcome != job.timeline.rend()) tell(s, job.summary, *outcome);
}

}  // namespace

void finish_job(State& s, const JobId& id) {
  Job* job = s.find_job(id);
  if (job == nullptr || job->summary.state != JobState::closing) return;
  if (is_spot_check(job->summary)) return end_spot_check(s, id);
  drop_tasks(s, *job);
  job->summary.state = job->summary.error.empty() ? JobState::done : JobState::failed;
  tell_outcome(s, *job);
  s.log(Log::Level::info, "job.finished",
        {{"job", id.text},
         {"model", job->summary.model.text},
         {"state", to_string(job->summary.state)},
         {"latency_ms", std::to_string(job->summary.latency_ms)},
         {"error", job->summary.error}});
  Finished finished;
  finished.summary = job->summary;
  finished.feature_map_bytes = kept_bytes(*job);
  finished.askers = std::move(job->askers);
  finished.answer = std::move(job->answer);
  s.jobs.erase(finished.summary.sequence);
  s.unfinished.erase(id);
  forget_suspects(s, id);
  publish_to_all(s, id, remember(s, std::move(finished)));
  s.unannounced.insert(id);
  s.plans_due = s.prune_due = s.schedule_due = s.status_due = true;
}

void publish_answer(State& s, const JobId& job, const ModelName& model, const std::string& answer,
                    const Asker& asker) {
  std::string topic =
      asker.response_topic.empty() ? protocol::output_topic(model) : asker.response_topic;
  const auto finished = s.finished.find(job);
  if (finished != s.finished.end()) ++finished->second.under_way;
  s.effects.emplace_back(Publish{std::move(topic), answer, false, asker.correlation, job});
}

void on_answer_sent(State& s, const JobId& id, bool sent) {
  const auto job = s.finished.find(id);
  if (job == s.finished.end()) return;
  job->second.under_way = std::max(0, job->second.under_way - 1);
  if (!sent) job->second.published = false;
}

void announce(State& s) {
  if (!s.connected || s.unannounced.empty()) return;
  store::Batch batch;
  std::erase_if(s.unannounced, [&](const JobId& id) {
    Finished& job = s.finished.at(id);
    if (!job.published) publish_to_all(s, id, job);
    if (job.under_way > 0) return false;
    job.askers.clear();
    job.answer = {};
    batch.deletes.push_back(unannounced_key(id));
    return true;
  });
  if (batch.deletes.empty()) return;
  s.prune_due = true;
  // Should this write be lost, the answers are published once more after a restart.
  s.persist(std::move(batch), [](const Status&) {});
}

}  // namespace hyps::hub
