#include "services/manager/core.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace hyps::manager {

using protocol::ModelRecord;

namespace {

constexpr const char* kFailed = "failed";
constexpr int kMaxSends = 5;
constexpr const char* kNobody = "no worker is online";

std::vector<planning::Device> devices_of(const protocol::Snapshot& snapshot) {
  std::vector<planning::Device> devices;
  for (const protocol::WorkerState& worker : snapshot.workers) {
    if (!worker.online) continue;
    devices.push_back({worker.info.id, static_cast<std::int64_t>(worker.info.memory_bytes),
                       static_cast<int>(worker.info.cores), worker.info.safe_zone, 0,
                       worker.quarantined});
  }
  return devices;
}

// Those a plan may be made for.
std::vector<planning::Device> trusted(std::vector<planning::Device> devices) {
  std::erase_if(devices, [](const planning::Device& device) { return device.quarantined; });
  return devices;
}

// Known images and their answers are the hub's alone.
std::vector<protocol::FileRef> files_to_plan(std::vector<protocol::FileRef> files) {
  std::erase_if(files, [](const auto& file) { return file.name.starts_with("known-"); });
  return files;
}

std::string fingerprint(const std::vector<planning::Device>& devices) {
  std::string text;
  for (const planning::Device& device : devices) {
    text += device.id.text + " " + std::to_string(device.memory_bytes) +
            (device.safe_zone ? " safe" : " open") + (device.quarantined ? " quarantined;" : ";");
  }
  return text;
}

std::vector<protocol::Route> sorted(std::vector<protocol::Route> routes) {
  // Among the routes of one partition the order means something: the first is asked first.
  std::stable_sort(routes.begin(), routes.end(),
                   [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return routes;
}

bool same_routes(const std::vector<protocol::Route>& a, const std::vector<protocol::Route>& b) {
  return sorted(a) == sorted(b);
}

}  // namespace

Effects Core::step(const Event& event, Now now) {
  now_ = now;
  effects_.clear();
  std::visit([this](const auto& e) { on(e); }, event);
  if (connected_ && snapshot_) reconcile();
  return std::exchange(effects_, {});
}

// ---- connection -------------------------------------------------------------------------------

void Core::on(const Connected&) {
  connected_ = true;
  begin_session();
}

void Core::on(const Disconnected&) { connected_ = false; }

void Core::on(const HubOnline&) {
  if (connected_) begin_session();
}

// What was sent before may be lost, and what the snapshot says is old.
void Core::begin_session() {
  settled_at_ = now_.steady + config_.settle;
  snapshot_.reset();
  sent_routes_.clear();
  for (auto& [model, outcome] : outcomes_) outcome.sent.reset();
  say_hello();
}

void Core::say_hello() {
  last_hello_ = now_.steady;
  any_version_ = true;
  publish(protocol::ManagerHello{config_.id});
}

void Core::on(const Tick&) {
  if (connected_ && now_.steady - last_hello_ >= config_.hello) say_hello();
}

void Core::on(const Received& event) {
  if (const auto* snapshot = std::get_if<protocol::Snapshot>(&event.message)) {
    on_snapshot(*snapshot);
  } else if (const auto* damaged = std::get_if<protocol::Damaged>(&event.message)) {
    damaged_ = {damaged->plans.begin(), damaged->plans.end()};
  } else {
    log(Log::Level::warn, "message.foreign", {{"type", std::to_string(event.message.index())}});
  }
}

void Core::on_snapshot(const protocol::Snapshot& snapshot) {
  const bool older = snapshot_ && snapshot.version < snapshot_->version;
  if (older && !any_version_) return;
  any_version_ = false;
  snapshot_ = snapshot;
  devices_ = devices_of(snapshot);
  for (const ModelRecord& model : snapshot.models) {
    for (const protocol::Route& route : model.routes) {
      max_epoch_ = std::max(max_epoch_, route.epoch);
    }
  }
}

// ---- preparing --------------------------------------------------------------------------------

void Core::on(const Prepared& event) {
  if (!preparing_ || preparing_->work != event.work) return;
  log(Log::Level::info, "model.planned", {{"model", preparing_->model.text}});
  Outcome outcome;
  outcome.message =
      protocol::SetPlan{preparing_->model, preparing_->basis.files, event.plan_json, event.bundles};
  keep_outcome(std::move(outcome));
}

void Core::on(const PrepareFailed& event) {
  if (!preparing_ || preparing_->work != event.work) return;
  log(Log::Level::warn, "model.unplanned",
      {{"model", preparing_->model.text}, {"error", event.message}});
  Outcome outcome;
  // A model that was planned once has done nothing wrong when its bundles cannot be made again.
  outcome.final = event.cause == PrepareFailed::Cause::model && !preparing_->repair;
  if (!preparing_->repair) {
    outcome.message = protocol::ModelFailed{preparing_->model, preparing_->basis.files,
                                            outcome.final, event.message};
  }
  if (event.cause == PrepareFailed::Cause::passing || preparing_->repair) {
    outcome.retry_at = now_.steady + config_.retry;
  }
  keep_outcome(std::move(outcome));
}

void Core::keep_outcome(Outcome outcome) {
  outcome.basis = preparing_->basis;
  outcome.devices = preparing_->devices;
  outcomes_[preparing_->model] = std::move(outcome);
  preparing_.reset();
}

Core::Basis Core::basis_of(const ModelRecord& model) const {
  if (wants_repair(model)) return {model.files, model.plan_json, {}, {}};
  return {model.files, model.wanted_plan_json, model.wanted_replication, model.wanted_objective};
}

bool Core::wants_repair(const ModelRecord& model) const {
  return !model.plan.empty() && damaged_.contains(model.plan);
}

bool Core::wants_preparation(const ModelRecord& model) const {
  return (model.plan.empty() && model.state != kFailed) || wants_repair(model);
}

// True when nothing needs to be prepared now: it was, or it cannot be yet.
bool Core::has_answer(const ModelRecord& model) {
  const auto found = outcomes_.find(model.name);
  if (found == outcomes_.end()) return false;
  Outcome& outcome = found->second;
  const bool same = outcome.basis == basis_of(model);
  const bool others = !outcome.final && outcome.devices != fingerprint(devices_);
  const bool due = outcome.retry_at && now_.steady >= *outcome.retry_at;
  // The hub takes the plan no more: its files were dropped there. All over again.
  const bool in_vain = outcome.sends > kMaxSends;
  if (!same || others || due || in_vain) {
    outcomes_.erase(found);
    return false;
  }
  tell(model, outcome);
  return true;
}

void Core::tell(const ModelRecord& model, Outcome& outcome) {
  if (!outcome.message) return;
  if (outcome.sent && now_.steady - *outcome.sent < config_.resend) return;
  const auto* failed = std::get_if<protocol::ModelFailed>(&*outcome.message);
  const bool shown = failed != nullptr && !failed->permanent && model.problem == failed->problem;
  if (shown) return;
  outcome.sent = now_.steady;
  ++outcome.sends;
  publish(*outcome.message);
}

void Core::prepare(const ModelRecord& model) {
  if (has_answer(model)) return;
  const bool repair = wants_repair(model);
  if (!repair && trusted(devices_).empty()) {
    Outcome outcome;
    outcome.basis = basis_of(model);
    outcome.final = false;
    outcome.message = protocol::ModelFailed{model.name, model.files, false, kNobody};
    tell(model, outcomes_[model.name] = std::move(outcome));
    return;
  }
  if (preparing_ || now_.steady < settled_at_) return;
  const Basis basis = basis_of(model);
  preparing_ = Preparing{++last_work_, model.name, basis, fingerprint(devices_), repair};
  log(Log::Level::info, repair ? "model.repairing" : "model.preparing",
      {{"model", model.name.text}});
  effects_.emplace_back(PrepareModel{last_work_, model.name, files_to_plan(model.files),
                                     basis.wanted_plan_json, basis.wanted_replication,
                                     basis.wanted_objective, trusted(devices_)});
}

// ---- placing ----------------------------------------------------------------------------------

void Core::reconcile() {
  forget_removed();
  for (const ModelRecord& model : snapshot_->models) {
    if (wants_preparation(model)) prepare(model);
  }
  if (knows_all_workers()) place_all();
}

// Not so just after the hub came up: a worker it has not heard yet is probably there, and moving
// its partitions would lose what it has loaded. One whose last will has spoken needs no patience.
bool Core::knows_all_workers() const {
  if (now_.steady >= settled_at_) return true;
  const auto& workers = snapshot_->workers;
  return !workers.empty() && std::all_of(workers.begin(), workers.end(),
                                         [](const auto& worker) { return worker.known; });
}

void Core::forget_removed() {
  std::set<PlanId> plans;
  std::set<ModelName> waiting;
  for (const ModelRecord& model : snapshot_->models) {
    if (!model.plan.empty()) plans.insert(model.plan);
    if (wants_preparation(model)) waiting.insert(model.name);
  }
  std::erase_if(plans_, [&](const auto& entry) { return !plans.contains(entry.first); });
  std::erase_if(sent_routes_, [&](const auto& entry) { return !plans.contains(entry.first); });
  std::erase_if(outcomes_, [&](const auto& entry) { return !waiting.contains(entry.first); });
}

const partition::Plan* Core::plan_of(const ModelRecord& model) {
  const auto known = plans_.find(model.plan);
  if (known != plans_.end()) return &known->second;
  auto plan = partition::plan_from_json(model.plan_json);
  if (!plan) {
    log(Log::Level::warn, "plan.unreadable",
        {{"model", model.name.text}, {"error", plan.error().message}});
    return nullptr;
  }
  return &plans_.emplace(model.plan, std::move(*plan)).first->second;
}

Routing Core::current_routing(const ModelRecord& model) const {
  const auto sent = sent_routes_.find(model.plan);
  if (sent == sent_routes_.end()) return {model.routes, model.problem};
  const Routing& routing = sent->second.routing;
  const bool overdue = now_.steady - sent->second.at >= config_.resend;
  const bool arrived =
      same_routes(routing.routes, model.routes) && routing.problem == model.problem;
  if (overdue && !arrived) return {model.routes, model.problem};
  return routing;
}

void Core::place_all() {
  for (const ModelRecord& model : snapshot_->models) {
    const partition::Plan* plan = model.plan.empty() ? nullptr : plan_of(model);
    if (plan == nullptr) continue;
    Held held;
    for (const ModelRecord& other : snapshot_->models) {
      if (other.name == model.name || other.plan.empty()) continue;
      const partition::Plan* others = plan_of(other);
      if (others != nullptr) add_held(*others, current_routing(other).routes, held);
    }
    place(model, *plan, held);
  }
}

std::set<PartitionName> Core::late_of(const ModelRecord& model) const {
  std::set<PartitionName> late;
  for (const protocol::LatePartition& which : snapshot_->late) {
    if (which.plan == model.plan) late.insert(which.partition);
  }
  return late;
}

Epoch Core::epoch_after(const Routing& routing) const {
  Epoch last = max_epoch_;
  for (const protocol::Route& changed : routing.routes) last = std::max(last, changed.epoch);
  return last + 1;
}

void Core::place(const ModelRecord& model, const partition::Plan& plan, const Held& held) {
  const Routing current = current_routing(model);
  Routing wanted = route(plan, current.routes, devices_, held, max_epoch_ + 1);
  add_helpers(plan, late_of(model), current.routes, devices_, held, epoch_after(wanted), wanted);
  if (same_routes(wanted.routes, current.routes) && wanted.problem == current.problem) return;
  max_epoch_ = epoch_after(wanted) - 1;
  log(wanted.problem.empty() ? Log::Level::info : Log::Level::warn, "model.placed",
      {{"model", model.name.text},
       {"partitions", std::to_string(wanted.routes.size())},
       {"problem", wanted.problem}});
  publish(protocol::SetRoutes{model.plan, wanted.routes, wanted.problem});
  sent_routes_[model.plan] = {std::move(wanted), now_.steady};
}

void Core::publish(protocol::Message message) {
  effects_.emplace_back(Publish{std::move(message)});
}

void Core::log(Log::Level level, std::string_view event, runtime::Fields fields) {
  effects_.emplace_back(Log{level, std::string(event), std::move(fields)});
}

}  // namespace hyps::manager
