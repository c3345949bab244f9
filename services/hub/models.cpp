#include "services/hub/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/protocol/topics.hpp"
#include "services/hub/files.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/queries.hpp"
#include "services/hub/spot_checks.hpp"

namespace hyps::hub {

namespace {

Status check_deploy(const State& s, const protocol::Deploy& deploy) {
  if (!is_valid_name(deploy.model.text) || protocol::is_reserved(deploy.model)) {
    return Error{ErrorKind::invalid, "'" + deploy.model.text +
                                         "' cannot be a model's name: 1 to 64 of A-Z a-z 0-9 . _ -"
                                         ", and none of hyps' own words"};
  }
  if (!s.models.contains(deploy.model) &&
      static_cast<std::int64_t>(s.models.size()) >= s.config.max_models) {
    return Error{ErrorKind::overloaded, "there are max_models models; remove one first"};
  }
  const bool has_model = std::any_of(deploy.files.begin(), deploy.files.end(),
                                     [](const auto& file) { return file.name == "model.onnx"; });
  if (!has_model) return Error{ErrorKind::invalid, "there is no file model.onnx"};
  HYPS_CHECK(check_files(s, deploy.files));
  if (!deploy.replication.empty()) {
    HYPS_CHECK(partition::replication_from_json(deploy.replication));
  }
  if (!deploy.objective.empty()) {
    HYPS_CHECK(partition::objective_named(deploy.objective));
  }
  if (deploy.plan_json.empty()) return {};
  HYPS_TRY(const partition::Plan plan, partition::plan_from_json(deploy.plan_json));
  return partition::check(plan);
}

void on_deployed(State& s, const Peer& peer, std::uint64_t request,
                 const protocol::ModelRecord& record, const Status& status) {
  if (!status.ok()) return refuse(s, peer, request, status.error());
  std::vector<protocol::FileRef> old_files;
  if (const auto* old = s.find_model(record.name)) old_files = old->files;
  s.models.insert_or_assign(record.name, record);
  s.log(Log::Level::info, "model.deployed", {{"model", record.name.text}});
  s.snapshot_due = s.status_due = s.plans_due = true;
  collect_files(s, old_files);
  s.send(peer, protocol::Reply{request, dump(model_json(s, record.name))});
}

}  // namespace

constexpr std::size_t kMaxFiles = 64;

Status check_files(const State& s, const std::vector<protocol::FileRef>& files) {
  std::set<std::string> names;
  for (const auto& file : files) {
    if (!is_valid_name(file.name) || !names.insert(file.name).second) {
      return Error{ErrorKind::invalid, "'" + file.name + "' is no name for a file, or given twice"};
    }
  }
  if (files.size() > kMaxFiles) {
    return Error{ErrorKind::invalid, fmt::format("more than {} files", kMaxFiles)};
  }
  if (const auto* missing = missing_file(s, files)) {
    return Error{ErrorKind::not_found,
                 "the file " + missing->name + " is not stored whole; upload it first"};
  }
  return {};
}

store::Batch model_batch(const protocol::ModelRecord& model) {
  store::Batch batch;
  batch.sync = true;
  batch.puts.emplace_back(model_key(model.name), encode_model(model));
  return batch;
}

void refuse(State& s, const Peer& peer, std::uint64_t request, const Error& error) {
  s.log(Log::Level::warn, "request.refused",
        {{"peer", protocol::to_string(peer)}, {"error", error.message}});
  s.send(peer, protocol::Refused{request, {}, 0, to_string(error.kind), error.message});
}

void on_deploy(State& s, const Peer& peer, const protocol::Deploy& deploy) {
  if (const Status status = check_deploy(s, deploy); !status.ok()) {
    return refuse(s, peer, deploy.request, status.error());
  }
  const auto* known = s.find_model(deploy.model);
  const bool same = known != nullptr && known->files == deploy.files &&
                    known->wanted_plan_json == deploy.plan_json &&
                    known->wanted_replication == deploy.replication &&
                    known->wanted_objective == deploy.objective && known->state != "failed";
  if (same) {
    return s.send(peer, protocol::Reply{deploy.request, dump(model_json(s, deploy.model))});
  }
  protocol::ModelRecord record;
  record.name = deploy.model;
  record.files = deploy.files;
  record.wanted_plan_json = deploy.plan_json;
  record.wanted_replication = deploy.replication;
  record.wanted_objective = deploy.objective;
  record.state = "waiting";
  record.problem = "waits for a manager to plan it";
  s.persist(model_batch(record),
            [&s, peer, request = deploy.request, record](const Status& status) {
              on_deployed(s, peer, request, record, status);
            });
}

void on_remove(State& s, const Peer& peer, const protocol::Remove& remove) {
  if (s.find_model(remove.model) == nullptr) {
    return refuse(s, peer, remove.request,
                  {ErrorKind::not_found, "no model is called '" + remove.model.text + "'"});
  }
  for (const auto& [sequence, job] : s.jobs) {
    if (job.summary.model != remove.model || is_spot_check(job.summary)) continue;
    return refuse(s, peer, remove.request,
                  {ErrorKind::overloaded, "the model has unfinished jobs; wait for them"});
  }
  const auto files = s.find_model(remove.model)->files;
  // At once, so that no job is accepted for it in between.
  drop_spot_checks(s, remove.model);
  s.models.erase(remove.model);
  s.totals.erase(remove.model);
  s.snapshot_due = s.status_due = s.plans_due = true;
  const auto build = [&s, model = remove.model]() -> std::optional<store::Batch> {
    if (s.find_model(model) != nullptr) return std::nullopt;  // deployed again
    store::Batch batch;
    batch.sync = true;
    batch.deletes = {model_key(model), totals_key(model)};
    return batch;
  };
  s.persist_until_done(build, [&s, peer, remove, files] {
    collect_files(s, files);
    s.send(peer, protocol::Reply{remove.request, dump({{"removed", remove.model.text}})});
  });
}

}  // namespace hyps::hub
