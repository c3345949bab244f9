#include "services/hub/state.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/hub/files.hpp"

namespace hyps::hub {

namespace {
constexpr Milliseconds kFirstRetry{250};
constexpr Milliseconds kLongestRetry{8000};
}  // namespace

State::State(Config configuration, std::uint64_t seed)
    : config(std::move(configuration)), random(seed), last_ballot_number(random.next() >> 1U) {}
State::~State() = default;

void State::send(const Peer& to, protocol::Message message) {
  effects.emplace_back(Send{to, std::move(message)});
}

void State::send_worker(const WorkerId& to, protocol::Message message) {
  send({protocol::Role::worker, to.text}, std::move(message));
}

void State::publish_line(std::string topic, std::string line) {
  effects.emplace_back(
      Publish{.topic = std::move(topic), .payload = std::move(line), .is_line = true});
}

void State::log(Log::Level level, std::string event,
                std::vector<std::pair<std::string_view, std::string>> fields) {
  effects.emplace_back(Log{level, std::move(event), std::move(fields)});
}

void State::persist(store::Batch batch, std::function<void(const Status&)> then) {
  const std::uint64_t token = next_token++;
  writes.emplace(token, std::move(then));
  effects.emplace_back(Persist{token, std::move(batch)});
}

void State::persist_until_done(std::function<std::optional<store::Batch>()> build,
                               std::function<void()> then) {
  attempt({std::move(build), std::move(then), {}, kFirstRetry});
}

void State::attempt(Retry retry) {
  auto batch = retry.build();
  if (!batch) return;
  persist(std::move(*batch), [this, retry = std::move(retry)](const Status& status) mutable {
    if (status.ok()) return retry.then();
    retry.due = now.steady + retry.delay;
    retry.delay = std::min(retry.delay * 2, kLongestRetry);
    retries.push_back(std::move(retry));
  });
}

void State::read(std::string key, std::function<void(const Result<Blob>&)> then) {
  const std::uint64_t token = next_token++;
  reads.emplace(token, std::move(then));
  effects.emplace_back(ReadRecord{token, std::move(key)});
}

Job* State::find_job(const JobId& id) {
  const auto at = unfinished.find(id);
  return at == unfinished.end() ? nullptr : &jobs.at(at->second);
}

PlanState* State::find_plan(const PlanId& id) {
  const auto at = plans.find(id);
  return at == plans.end() ? nullptr : &at->second;
}

Worker* State::find_worker(const WorkerId& id) {
  const auto at = workers.find(id);
  return at == workers.end() ? nullptr : &at->second;
}

protocol::ModelRecord* State::find_model(const ModelName& name) {
  const auto at = models.find(name);
  return at == models.end() ? nullptr : &at->second;
}

std::optional<std::size_t> index_of(const PlanState& plan, const PartitionName& partition) {
  const auto& partitions = plan.plan.partitions;
  const auto at = std::find_if(partitions.begin(), partitions.end(),
                               [&](const auto& candidate) { return candidate.name == partition; });
  if (at == partitions.end()) return std::nullopt;
  return static_cast<std::size_t>(at - partitions.begin());
}

const protocol::Route* route_to(const PlanState& plan, const PartitionName& partition,
                                const WorkerId& worker) {
  const auto routes = plan.routes.find(partition);
  if (routes == plan.routes.end()) return nullptr;
  const auto at = std::find_if(routes->second.begin(), routes->second.end(),
                               [&](const auto& route) { return route.worker == worker; });
  return at == routes->second.end() ? nullptr : &*at;
}

bool may_see(const protocol::WorkerInfo& worker, const partition::Partition& partition) {
  return worker.safe_zone || !partition.safe_zone;
}

bool may_run(const protocol::WorkerInfo& worker, const partition::Partition& partition) {
  return may_see(worker, partition) &&
         static_cast<std::uint64_t>(partition.memory_bytes()) <= worker.memory_bytes;
}

Result<PlanState> make_plan_state(const protocol::ModelRecord& record) {
  HYPS_TRY(partition::Plan plan, partition::plan_from_json(record.plan_json));
  HYPS_CHECK(partition::check(plan));
  PlanState state;
  state.id = plan.id();
  state.model = record.name;
  state.json = record.plan_json;
  state.bundles = record.bundles;
  for (const auto& route : record.routes) state.routes[route.partition].push_back(route);
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    for (const auto& output : plan.partitions[i].outputs) state.producer[output.name] = i;
  }
  state.runs.resize(plan.partitions.size());
  state.paces.resize(plan.partitions.size(), -1.0);
  state.compute_ms.resize(plan.partitions.size(), -1.0);
  state.plan = std::move(plan);
  return state;
}

protocol::ModelRecord to_record(const PlanState& plan) {
  protocol::ModelRecord record;
  record.name = plan.model;
  record.plan = plan.id;
  record.plan_json = plan.json;
  record.bundles = plan.bundles;
  for (const auto& [partition, routes] : plan.routes) {
    record.routes.insert(record.routes.end(), routes.begin(), routes.end());
  }
  return record;
}

void on_persisted(State& s, const Persisted& event) {
  auto node = s.writes.extract(event.token);
  if (node.empty()) return;
  if (event.status.ok()) {
    s.status_due = s.status_due || !s.write_problem.empty();
    s.write_problem.clear();
  } else {
    s.write_problem = event.status.error().message;
    s.write_failed_at = s.now.steady;
    s.status_due = true;
    s.log(Log::Level::error, "store.write_failed", {{"error", s.write_problem}});
  }
  node.mapped()(event.status);
}

void on_record_read(State& s, const RecordRead& event) {
  auto node = s.reads.extract(event.token);
  if (!node.empty()) node.mapped()(event.value);
}

void retry_writes(State& s) {
  std::vector<Retry> due;
  std::erase_if(s.retries, [&](Retry& retry) {
    if (retry.due > s.now.steady) return false;
    due.push_back(std::move(retry));
    return true;
  });
  for (Retry& retry : due) s.attempt(std::move(retry));
}

}  // namespace hyps::hub
