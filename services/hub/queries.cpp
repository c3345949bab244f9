#include "services/hub/queries.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/hub/keys.hpp"
#include "services/hub/models.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

using nlohmann::json;

namespace {

constexpr std::size_t kMaxJobsListed = 200;

json reputation_json(const State& s, const WorkerId& worker) {
  const auto known = s.reputations.find(worker);
  const voting::Reputation r = known == s.reputations.end() ? voting::Reputation{} : known->second;
  return {{"worker", worker.text},
          {"agreements", r.agreements},
          {"agreements_in_a_row", r.in_a_row},
          {"lies", r.lies},
          {"quarantined", r.quarantined}};
}

// What was voted last, newest first, and what it made of everybody's name.
json votes_json(const State& s) {
  const auto list = [](const std::vector<WorkerId>& workers) {
    json names = json::array();
    for (const WorkerId& worker : workers) names.push_back(worker.text);
    return names;
  };
  json verdicts = json::array();
  for (auto note = s.verdicts.rbegin(); note != s.verdicts.rend(); ++note) {
    verdicts.push_back({{"unix_ms", note->unix_ms},
                        {"job", note->task.job.text},
                        {"partition", note->task.partition.text},
                        {"agree", list(note->agree)},
                        {"differ", list(note->differ)},
                        {"detail", note->detail}});
  }
  json workers = json::array();
  for (const auto& [id, worker] : s.workers) workers.push_back(reputation_json(s, id));
  return {{"verdicts", verdicts},
          {"workers", workers},
          {"voters", s.voters},
          {"spot_checks", spot_checks_json(s)}};
}

// What it says itself, and what only the hub can see.
std::string problem_of(const State& s, const Worker& worker) {
  constexpr Milliseconds kTold{60'000};
  if (!worker.twin_heard || s.now.steady - *worker.twin_heard > kTold) return worker.problem;
  return "two processes have this name and throw each other out: give each an id of its own" +
         (worker.problem.empty() ? "" : "; " + worker.problem);
}

json worker_json(const State& s, const Worker& worker) {
  json loaded = json::array();
  for (const auto& name : worker.loaded) loaded.push_back(name.text);
  json assigned = json::array();
  if (worker.assigned) {
    for (const auto& partition : worker.assigned->partitions) {
      assigned.push_back(partition.plan.text + "/" + partition.partition.text);
    }
  }
  return {{"id", worker.info.id.text},
          {"online", worker.online},
          {"zone", worker.info.safe_zone ? "safe" : "open"},
          {"isa", worker.info.isa},
          {"cores", worker.info.cores},
          {"memory_bytes", worker.info.memory_bytes},
          {"resident_bytes", worker.resident_bytes},
          {"arriving_bytes_per_s", worker.arriving_rate},
          {"loaded", loaded},
          {"assigned", assigned},
          {"tasks", worker.credits.size()},
          {"done", worker.done},
          {"compute_ms", static_cast<double>(worker.compute_us) / 1000.0},
          {"problem", problem_of(s, worker)},
          {"reputation", reputation_json(s, worker.info.id)}};
}

// Of its plan; of the plan it waits for.
std::string objective_of(const State& s, const protocol::ModelRecord& model) {
  const auto plan = s.plans.find(model.plan);
  if (plan != s.plans.end()) return partition::to_string(plan->second.plan.objective);
  const bool throughput = model.wanted_objective == to_string(partition::Objective::throughput);
  return to_string(throughput ? partition::Objective::throughput : partition::Objective::latency);
}

json short_model_json(const State& s, const protocol::ModelRecord& model) {
  std::int64_t waiting = 0;
  std::int64_t running = 0;
  for (const auto& [sequence, job] : s.jobs) {
    if (job.summary.model != model.name || is_spot_check(job.summary)) continue;
    ++(std::string_view(to_string(job.summary.state)) == "waiting" ? waiting : running);
  }
  const auto totals = s.totals.find(model.name);
  const Totals counted = totals == s.totals.end() ? Totals{} : totals->second;
  const auto plan = s.plans.find(model.plan);
  return {{"name", model.name.text},
          {"state", model.state},
          {"problem", problem_of(s, model)},
          {"plan", model.plan.text},
          {"objective", objective_of(s, model)},
          {"partitions", plan == s.plans.end() ? 0 : plan->second.plan.partitions.size()},
          {"jobs_waiting", waiting},
          {"jobs_running", running},
          {"jobs_done", counted.done},
          {"jobs_failed", counted.failed}};
}

std::string partition_state(const State& s, const PlanState& plan, const PartitionName& name,
                            const WorkerId& holder) {
  const auto worker = s.workers.find(holder);
  if (worker == s.workers.end()) return "assigned";
  const PartitionName full(plan.id.text + "/" + name.text);
  const auto& loaded = worker->second.loaded;
  const bool is_loaded = std::find(loaded.begin(), loaded.end(), full) != loaded.end();
  return is_loaded ? "loaded" : "assigned";
}

json partition_json(const PlanState& plan, std::size_t index) {
  const auto& partition = plan.plan.partitions[index];
  const auto& replication = partition.replication;
  return {{"model", plan.model.text},
          {"plan", plan.id.text},
          {"partition", partition.name.text},
          {"kind", partition::to_string(partition.kind)},
          {"safe_zone", partition.safe_zone},
          {"replicas", replication.replicas},
          {"quorum", replication.quorum},
          {"replica_mode", partition::to_string(replication.mode)},
          {"worker", ""},
          {"epoch", 0},
          {"memory_bytes", partition.memory_bytes()},
          {"runs", plan.runs[index]},
          {"state", "unassigned"}};
}

// One entry a copy; one without a worker where there is none.
json partitions_json(const State& s, const std::string& model) {
  json list = json::array();
  for (const auto& [id, plan] : s.plans) {
    if (!model.empty() && plan.model.text != model) continue;
    for (std::size_t i = 0; i < plan.plan.partitions.size(); ++i) {
      const json entry = partition_json(plan, i);
      const auto& name = plan.plan.partitions[i].name;
      const auto routes = plan.routes.find(name);
      if (routes == plan.routes.end()) list.push_back(entry);
      if (routes == plan.routes.end()) continue;
      for (const auto& route : routes->second) {
        json copy = entry;
        copy["worker"] = route.worker.text;
        copy["epoch"] = route.epoch;
        copy["state"] = partition_state(s, plan, name, route.worker);
        list.push_back(std::move(copy));
      }
    }
  }
  return {{"partitions", list}};
}

json jobs_json(const State& s, const std::string& model, bool failed_only) {
  std::vector<const JobSummary*> found;
  const auto add = [&](const JobSummary& job) {
    if (failed_only && job.state != JobState::failed) return;
    if (model.empty() || job.model.text == model) found.push_back(&job);
  };
  for (const auto& [sequence, job] : s.jobs) {
    const bool listed = job.summary.state != JobState::accepting && !is_spot_check(job.summary);
    if (listed) add(job.summary);
  }
  for (const auto& [id, job] : s.finished) add(job.summary);
  const auto newest_first = [](const JobSummary* a, const JobSummary* b) {
    return a->sequence > b->sequence;
  };
  std::sort(found.begin(), found.end(), newest_first);
  if (found.size() > kMaxJobsListed) found.resize(kMaxJobsListed);
  json list = json::array();
  for (const JobSummary* job : found) list.push_back(to_json(*job));
  return {{"jobs", list}};
}

json job_json(const Job& job, bool input_kept) {
  json out = to_json(job.summary);
  json timeline = json::array();
  for (const auto& event : job.timeline) timeline.push_back(to_json(job.summary, event));
  out["timeline"] = std::move(timeline);
  out["input_kept"] = input_kept;
  const bool finished =
      job.summary.state == JobState::done || job.summary.state == JobState::failed;
  out["answer"] = finished ? json::parse(job.answer, nullptr, false) : json(nullptr);
  if (out["answer"].is_discarded()) out["answer"] = nullptr;
  return out;
}

void reply(State& s, const Peer& peer, const protocol::Query& query, const json& value) {
  s.send(peer, protocol::Reply{query.request, dump(value)});
}

void refuse_unknown(State& s, const Peer& peer, const protocol::Query& query) {
  refuse(s, peer, query.request,
         {ErrorKind::not_found, "no " + query.what + " is called '" + query.name + "'"});
}

void query_job(State& s, const Peer& peer, const protocol::Query& query) {
  const JobId id(query.name);
  if (const Job* job = s.find_job(id)) return reply(s, peer, query, job_json(*job, true));
  if (!s.finished.contains(id)) return refuse_unknown(s, peer, query);
  s.read(job_key(id), [&s, peer, query](const Result<Blob>& record) {
    const Result<Job> job = record.ok() ? decode_job(*record) : Result<Job>(record.error());
    if (!job.ok()) return refuse(s, peer, query.request, job.error());
    const auto finished = s.finished.find(job->summary.id);
    const bool input_kept = finished != s.finished.end() && finished->second.has_feature_maps;
    reply(s, peer, query, job_json(*job, input_kept));
  });
}

// True when `what` asks for a list.
bool query_list(State& s, const Peer& peer, const protocol::Query& query) {
  if (query.what == "jobs") {
    reply(s, peer, query, jobs_json(s, query.name, false));
  } else if (query.what == "failed_jobs") {
    reply(s, peer, query, jobs_json(s, query.name, true));
  } else if (query.what == "partitions") {
    reply(s, peer, query, partitions_json(s, query.name));
  } else if (query.what == "votes") {
    reply(s, peer, query, votes_json(s));
  } else if (query.what == "status") {
    reply(s, peer, query, status_json(s));
  } else if (query.what == "workers") {
    json list = json::array();
    for (const auto& [id, worker] : s.workers) list.push_back(worker_json(s, worker));
    reply(s, peer, query, {{"workers", list}});
  } else if (query.what == "models") {
    json list = json::array();
    for (const auto& [name, model] : s.models) list.push_back(short_model_json(s, model));
    reply(s, peer, query, {{"models", list}});
  } else {
    return false;
  }
  return true;
}

}  // namespace

json model_json(const State& s, const ModelName& name) {
  const protocol::ModelRecord& model = s.models.at(name);
  json out = short_model_json(s, model);
  const auto plan = s.plans.find(model.plan);
  out["plan_json"] =
      plan == s.plans.end() ? json(nullptr) : json::parse(plan->second.json, nullptr, false);
  json files = json::array();
  for (const auto& file : model.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"digest", file.digest.hex()}});
  }
  out["files"] = std::move(files);
  out["feature_maps"] = plan == s.plans.end() ? json::array() : traffic_json(plan->second.traffic);
  return out;
}

void on_query(State& s, const Peer& peer, const protocol::Query& query) {
  if (query_list(s, peer, query)) return;
  if (query.what == "job") return query_job(s, peer, query);
  if (query.what == "worker") {
    const Worker* worker = s.find_worker(WorkerId(query.name));
    if (worker == nullptr) return refuse_unknown(s, peer, query);
    return reply(s, peer, query, worker_json(s, *worker));
  }
  if (query.what == "model") {
    if (s.find_model(ModelName(query.name)) == nullptr) return refuse_unknown(s, peer, query);
    return reply(s, peer, query, model_json(s, ModelName(query.name)));
  }
  refuse(s, peer, query.request,
         {ErrorKind::invalid,
          "ask for workers, models, jobs, failed_jobs, partitions, votes, status, or one worker, "
          "model or job by name"});
}

}  // namespace hyps::hub
