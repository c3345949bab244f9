// A fake hub around a manager's core: keeps the truth as the hub would, answers hellos with
// snapshots, takes plans and routes by the hub's rules.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/digest.hpp"
#include "services/manager/core.hpp"

namespace hyps::manager::testing {

using protocol::ModelRecord;
using protocol::Route;
using protocol::SetPlan;
using protocol::SetRoutes;

inline protocol::WorkerState worker(const std::string& id, std::uint64_t memory, bool safe = true) {
  protocol::WorkerState state;
  state.info.id = WorkerId(id);
  state.info.memory_bytes = memory;
  state.info.cores = 1;
  state.info.safe_zone = safe;
  state.online = true;
  return state;
}

// ingest → v1 … vn → report, each v with `bytes` of weights.
inline partition::Plan chain(const std::string& model, int count, std::int64_t bytes) {
  partition::Plan plan;
  plan.model = model;
  std::string last = partition::kImageTensor;
  const auto add = [&](const std::string& name, partition::Kind kind, const std::string& output) {
    partition::Partition part;
    part.name = PartitionName(name);
    part.kind = kind;
    const auto value = [](const std::string& tensor) {
      const bool raw = tensor[0] == '@';
      return cnn::Value{tensor, raw ? cnn::DType::u8 : cnn::DType::f32,
                        raw ? cnn::Shape{} : cnn::Shape{1, 4}};
    };
    part.inputs = {value(last)};
    part.outputs = {value(output)};
    if (kind == partition::Kind::vertical) part.cost = {bytes / 4, bytes, 100};
    plan.partitions.push_back(part);
    last = output;
  };
  add("ingest", partition::Kind::ingest, "x");
  for (int i = 1; i <= count; ++i) {
    add("v" + std::to_string(i), partition::Kind::vertical, "t" + std::to_string(i));
  }
  add("report", partition::Kind::report, partition::kAnswerTensor);
  // Those that see the image or the answer.
  for (const std::size_t near : {0, 1}) {
    plan.partitions[near].safe_zone = true;
    plan.partitions[plan.partitions.size() - 1 - near].safe_zone = true;
  }
  return plan;
}

class World {
 public:
  // Connected, and the time for workers to come back has passed.
  void start() {
    send(Connected{});
    pass(3000);
    show();
  }

  Effects send(const Event& event) {
    Effects effects = core->step(event, now);
    all.insert(all.end(), effects.begin(), effects.end());
    return effects;
  }
  Effects pass(int ms) {
    now.steady += Milliseconds(ms);
    return send(Tick{});
  }
  // The hub sends its snapshot.
  Effects show() {
    ++truth.version;
    return send(Received{truth});
  }

  ModelRecord& deploy(const std::string& name) {
    ModelRecord model;
    model.name = ModelName(name);
    model.files = {{"model.onnx", 10, digest_of(name)}};
    model.state = "waiting";
    truth.models.push_back(model);
    return truth.models.back();
  }
  // A model that has its plan.
  ModelRecord& deploy_planned(const partition::Plan& plan) {
    ModelRecord& model = deploy(plan.model);
    model.plan = plan.id();
    model.plan_json = partition::to_json(plan);
    return model;
  }
  protocol::WorkerState& worker_named(const std::string& id) {
    return *std::find_if(truth.workers.begin(), truth.workers.end(),
                         [&](const auto& state) { return state.info.id.text == id; });
  }
  ModelRecord& model_named(const std::string& name) {
    return *std::find_if(truth.models.begin(), truth.models.end(),
                         [&](const auto& model) { return model.name.text == name; });
  }

  // What the hub does with SetPlan and SetRoutes. False: it refused.
  bool apply(const SetPlan& set) {
    ModelRecord& model = model_named(set.model.text);
    if (model.files != set.model_files) return false;
    const auto plan = partition::plan_from_json(set.plan_json);
    if (!plan) return false;
    model.plan = plan->id();
    model.plan_json = set.plan_json;
    model.bundles = set.bundles;
    model.problem = "waits for workers";
    return true;
  }
  bool apply(const SetRoutes& set) {
    for (ModelRecord& model : truth.models) {
      if (model.plan != set.plan) continue;
      for (const Route& route : set.routes) {
        const bool kept =
            std::any_of(model.routes.begin(), model.routes.end(), [&](const Route& old) {
              return old.partition == route.partition && old.worker == route.worker;
            });
        for (const Route& old : model.routes) {
          if (old.partition != route.partition) continue;
          const bool same = old.worker == route.worker;
          const bool lower = route.epoch < old.epoch;
          if (same ? lower : !kept && (lower || route.epoch == old.epoch)) return false;
        }
      }
      model.routes = set.routes;
      model.problem = set.problem;
      model.state = set.problem.empty() ? "ready" : "waiting";
      return true;
    }
    return false;
  }
  // Takes every decision in `effects` and shows the result, until nothing more is decided. The
  // number of messages that took.
  int settle(Effects effects) {
    int messages = 0;
    while (!effects.empty()) {
      bool changed = false;
      for (const Effect& effect : effects) {
        const auto* publish = std::get_if<Publish>(&effect);
        if (publish == nullptr) continue;
        if (const auto* plan = std::get_if<SetPlan>(&publish->message)) {
          changed = apply(*plan) || changed;
          ++messages;
        }
        if (const auto* routes = std::get_if<SetRoutes>(&publish->message)) {
          changed = apply(*routes) || changed;
          ++messages;
        }
      }
      effects = changed ? show() : Effects{};
    }
    return messages;
  }
  std::map<std::string, std::string> placement(const std::string& model) {
    std::map<std::string, std::string> placed;
    for (const Route& route : model_named(model).routes) {
      placed[route.partition.text] = route.worker.text;
    }
    return placed;
  }

  std::unique_ptr<Core> core = std::make_unique<Core>(CoreConfig{});
  Now now{Milliseconds(1'000'000), 0};
  protocol::Snapshot truth;
  Effects all;
};

template <typename T>
std::vector<T> effects_of(const Effects& effects) {
  std::vector<T> found;
  for (const Effect& effect : effects) {
    if (const T* it = std::get_if<T>(&effect)) found.push_back(*it);
  }
  return found;
}

template <typename T>
std::vector<T> published(const Effects& effects) {
  std::vector<T> found;
  for (const Publish& publish : effects_of<Publish>(effects)) {
    if (const T* it = std::get_if<T>(&publish.message)) found.push_back(*it);
  }
  return found;
}

}  // namespace hyps::manager::testing
