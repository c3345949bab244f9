// The summary on hyps/status.
#include <nlohmann/json.hpp>

#include "common/protocol/topics.hpp"
#include "services/hub/accept.hpp"
#include "services/hub/queries.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

using nlohmann::json;

namespace {

constexpr Milliseconds kStatusPause{500};
// A failed write is shown for so long, or until one succeeds.
constexpr Milliseconds kWriteProblemShown{10'000};

// That which keeps the hub from taking jobs.
std::string problem_of(const State& s) {
  if (std::string reason = refusing_because(s); !reason.empty()) return reason;
  if (!s.write_problem.empty()) {
    return "the store cannot be written (disk full?): " + s.write_problem;
  }
  return {};
}

}  // namespace

std::string problem_of(const State& s, const protocol::ModelRecord& model) {
  std::string problem = model.problem;
  for (const std::string& more : {damage_of(s, model), spot_check_problem(s, model.name)}) {
    if (!more.empty()) problem += (problem.empty() ? "" : "; ") + more;
  }
  return problem;
}

json status_json(const State& s) {
  std::int64_t online = 0;
  for (const auto& [id, worker] : s.workers) online += worker.online ? 1 : 0;
  json models = json::array();
  Totals totals;
  for (const auto& [name, model] : s.models) {
    models.push_back(
        {{"name", name.text}, {"state", model.state}, {"problem", problem_of(s, model)}});
  }
  for (const auto& [name, counted] : s.totals) {
    totals.done += counted.done;
    totals.failed += counted.failed;
  }
  std::int64_t running = 0;
  std::int64_t unfinished = 0;
  for (const auto& [sequence, job] : s.jobs) {
    if (is_spot_check(job.summary)) continue;
    ++unfinished;
    running += std::string_view(to_string(job.summary.state)) == "running" ? 1 : 0;
  }
  const std::string problem = problem_of(s);
  std::string trouble;  // that jobs go on with
  for (const auto& [name, model] : s.models) {
    for (const std::string& found : {damage_of(s, model), spot_check_problem(s, name)}) {
      if (!found.empty()) trouble += (trouble.empty() ? "" : "; ") + name.text + ": " + found;
    }
  }
  json quarantined = json::array();
  for (const auto& [id, reputation] : s.reputations) {
    if (reputation.quarantined) quarantined.push_back(id.text);
  }
  return {{"unix_ms", s.now.unix_ms},
          {"workers_online", online},
          {"workers_quarantined", quarantined},
          {"votes_open", s.ballots.size()},
          {"voters", s.voters.size()},
          {"workers_offline", static_cast<std::int64_t>(s.workers.size()) - online},
          {"models", models},
          {"jobs_waiting", unfinished - running},
          {"jobs_running", running},
          {"jobs_done", totals.done},
          {"jobs_failed", totals.failed},
          {"accepting", problem.empty()},
          {"problem", problem.empty() ? trouble : problem},
          {"dropped_frames", s.dropped_frames}};
}

void publish_status(State& s) {
  if (!s.write_problem.empty() && s.retries.empty() &&
      s.now.steady - s.write_failed_at >= kWriteProblemShown) {
    s.write_problem.clear();
    s.status_due = true;
  }
  if (!s.connected || !s.status_due || s.now.steady - s.status_sent < kStatusPause) return;
  s.status_due = false;
  s.status_sent = s.now.steady;
  s.effects.emplace_back(Publish{protocol::kClusterStatus, dump(status_json(s)), true, {}, {}});
}

}  // namespace hyps::hub
