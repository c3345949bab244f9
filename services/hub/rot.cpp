#include "services/hub/rot.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "services/hub/files.hpp"

namespace hyps::hub {

namespace {

// "bundle v02 of shapes", "model.onnx of shapes"; empty: nothing refers to it.
std::string owner_of(const State& s, const Digest& digest) {
  const auto find = [&](const std::vector<protocol::FileRef>& files) {
    return std::find_if(files.begin(), files.end(),
                        [&](const auto& file) { return file.digest == digest; });
  };
  for (const auto& [name, model] : s.models) {
    const auto file = find(model.files);
    if (file != model.files.end()) return file->name + " of " + name.text;
  }
  for (const auto& [id, plan] : s.plans) {
    for (const auto& bundle : plan.bundles) {
      if (find(bundle.files) == bundle.files.end()) continue;
      return "bundle " + bundle.partition.text + " of " + plan.model.text;
    }
  }
  return {};
}

const protocol::BundleRef* damaged_bundle(const State& s, const PlanState& plan) {
  const auto at = std::find_if(plan.bundles.begin(), plan.bundles.end(), [&](const auto& bundle) {
    return missing_file(s, bundle.files) != nullptr;
  });
  return at == plan.bundles.end() ? nullptr : &*at;
}

}  // namespace

void lose_file(State& s, const Digest& file, const std::string& why) {
  s.log(Log::Level::error, "file.damaged",
        {{"file", file.hex()}, {"what", owner_of(s, file)}, {"why", why}});
  delete_file(s, file);
  s.snapshot_due = s.status_due = true;
}

void on_part_unreadable(State& s, const Digest& digest, const Error& error) {
  // Anything else may pass: whoever asked asks again.
  const bool gone = error.kind == ErrorKind::corrupt || error.kind == ErrorKind::not_found;
  const auto file = s.files.find(digest);
  if (gone && file != s.files.end() && file->second->record.verified) {
    lose_file(s, digest, error.message);
  }
}

void on_part_not_sent(State& s, const PartNotSent& event) {
  on_part_unreadable(s, event.file, event.error);
  note_lack(s, event.peer, event.file);
  s.send(event.peer, protocol::Refused{0, event.file, event.offset, to_string(event.error.kind),
                                       event.error.message});
}

void note_lack(State& s, const Peer& peer, const Digest& file) {
  if (peer.role != protocol::Role::worker || s.files.contains(file)) return;
  Worker* worker = s.find_worker(WorkerId(peer.id));
  // Only what is referred to: a worker cannot make this grow.
  if (worker != nullptr && !owner_of(s, file).empty()) worker->lacks.insert(file);
}

void on_file_whole(State& s, const Digest& file) {
  const bool referred = !owner_of(s, file).empty();
  for (auto& [id, worker] : s.workers) worker.lacks.erase(file);
  if (referred) s.snapshot_due = s.status_due = s.schedule_due = true;
}

bool lacks_bundle(const State& s, const WorkerId& id, const PlanState& plan,
                  const PartitionName& partition) {
  const auto worker = s.workers.find(id);
  if (worker == s.workers.end() || worker->second.lacks.empty()) return false;
  const auto& lacks = worker->second.lacks;
  return std::any_of(plan.bundles.begin(), plan.bundles.end(), [&](const auto& bundle) {
    return bundle.partition == partition &&
           std::any_of(bundle.files.begin(), bundle.files.end(),
                       [&](const auto& file) { return lacks.contains(file.digest); });
  });
}

std::vector<PlanId> damaged_plans(const State& s) {
  std::vector<PlanId> damaged;
  for (const auto& [name, model] : s.models) {
    const auto plan = s.plans.find(model.plan);
    if (plan == s.plans.end() || missing_file(s, model.files) != nullptr) continue;
    if (damaged_bundle(s, plan->second) != nullptr) damaged.push_back(model.plan);
  }
  return damaged;
}

std::string damage_of(const State& s, const protocol::ModelRecord& model) {
  const auto* own = missing_file(s, model.files);
  const auto plan = s.plans.find(model.plan);
  const auto* bundle = plan == s.plans.end() ? nullptr : damaged_bundle(s, plan->second);
  if (own != nullptr) {
    return fmt::format(
        "its stored file {} is damaged: run `hyps deploy` again with the same files{}", own->name,
        bundle == nullptr ? "; jobs go on meanwhile" : "; jobs may wait until then");
  }
  if (bundle == nullptr) return {};
  return fmt::format("the stored bundle of {} is damaged; a manager makes it again",
                     bundle->partition.text);
}

}  // namespace hyps::hub
