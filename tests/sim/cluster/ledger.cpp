#include "ledger.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "common/protocol/topics.hpp"
#include "model.hpp"
#include "services/hub/invariants.hpp"
#include "services/hub/job.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/records.hpp"

namespace hyps::sim {

using hub::JobState;
using nlohmann::json;
using TaskState = hub::Task::State;

namespace {

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Fails never: what the hub publishes is JSON.
json parse(std::string_view text) { return json::parse(text, nullptr, false); }

bool has_voted(const hub::State& state, const protocol::TaskKey& task, const WorkerId& worker) {
  const auto ballot = state.ballots.find(task);
  if (ballot == state.ballots.end()) return false;
  const auto copy = ballot->second.copies.find(worker);
  return copy != ballot->second.copies.end() && copy->second.vote;
}

std::string topic_of(const hub::UserInput& input) {
  return input.response_topic.empty() ? protocol::output_topic(input.model) : input.response_topic;
}

}  // namespace

// ---- the hub starts -----------------------------------------------------------------------------

void Ledger::on_start(const hub::State& state) {
  claim_.reset();
  given_up_.clear();
  asked_again_.clear();
  repeats_.clear();
  asked_.clear();
  told_.clear();
  scrutineer.on_start();
  for (const auto& [id, job] : jobs_) {
    if (!job.accepted) continue;
    const bool unfinished = state.unfinished.contains(JobId(id));
    const auto finished = state.finished.find(JobId(id));
    if (!unfinished && finished == state.finished.end()) {
      world_.violate("job " + id + " was accepted, and the restarted hub does not know it");
    }
    if (job.answer.empty()) continue;
    if (unfinished) world_.violate("job " + id + " was answered, and begins again");
    if (finished == state.finished.end()) continue;
    if ((finished->second.summary.state == JobState::done) != job.is_done) {
      world_.violate("job " + id + " ended otherwise before the hub was restarted");
    }
  }
}

// ---- what comes in ------------------------------------------------------------------------------

const hub::Task* Ledger::find_task(const hub::State& state, const protocol::TaskKey& key) {
  const auto sequence = state.unfinished.find(key.job);
  const auto plan = state.plans.find(key.plan);
  if (sequence == state.unfinished.end() || plan == state.plans.end()) return nullptr;
  const hub::Job& job = state.jobs.at(sequence->second);
  const auto index = hub::index_of(plan->second, key.partition);
  const bool has = job.summary.plan == key.plan && index && *index < job.tasks.size();
  return has ? &job.tasks[*index] : nullptr;
}

void Ledger::before(const hub::State& state, const hub::Event& event) {
  claim_.reset();
  scrutineer.before(state, event);
  if (const auto* message = std::get_if<hub::FromPeer>(&event)) {
    if (const auto* done = std::get_if<protocol::TaskDone>(&message->message)) {
      claim(state, message->peer.id, done->task, done->epoch);
    }
  } else if (const auto* tensor = std::get_if<hub::TensorArrived>(&event)) {
    claim(state, tensor->peer.id, tensor->arrival.task, tensor->arrival.epoch);
  } else if (const auto* input = std::get_if<hub::UserInput>(&event)) {
    note_ask(state, *input);
  } else if (const auto* unsent = std::get_if<hub::AnswerNotSent>(&event)) {
    ++repeats_[unsent->job.text];
  }
}

// What workers have said and sent of it.
std::size_t Ledger::results_of(const hub::Task& task) {
  std::size_t results = 0;
  for (const hub::Dispatch& given : task.dispatches) {
    results += given.received.size() + (given.done ? 1 : 0);
  }
  return results;
}

void Ledger::claim(const hub::State& state, const std::string& worker,
                   const protocol::TaskKey& task, Epoch epoch) {
  const hub::Task* known = find_task(state, task);
  if (known == nullptr) return;
  const hub::Dispatch* with = known->with(WorkerId(worker));
  const auto ballot = state.ballots.find(task);
  const auto asked = [&](const hub::Ballot& votes) {
    const auto copy = votes.copies.find(WorkerId(worker));
    return copy != votes.copies.end() && copy->second.epoch == epoch;
  };
  const bool given =
      (known->state == TaskState::dispatched && with != nullptr && with->epoch == epoch) ||
      (ballot != state.ballots.end() && asked(ballot->second));
  claim_ = Claim{task, given, results_of(*known), known->state};
}

// The fence: a result counts only from the worker the task was given to, in the epoch it was given.
void Ledger::check_claim(const hub::State& state) {
  if (!claim_ || claim_->legitimate) return;
  const hub::Task* task = find_task(state, claim_->task);
  const bool moved_on = task == nullptr || results_of(*task) > claim_->results ||
                        (task->state != claim_->state && task->state != TaskState::dispatched);
  if (!moved_on) return;
  world_.violate("a result of " + claim_->task.partition.text + " of " + claim_->task.job.text +
                 " was taken from a worker or epoch it was not given to");
}

void Ledger::note_ask(const hub::State& state, const hub::UserInput& input) {
  asked_again_.clear();
  const auto known = jobs_.find(input.job_id);
  if (known == jobs_.end() || known->second.image != input.payload.text()) return;
  if (known->second.accepted) asked_again_ = input.job_id;
  if (!state.finished.contains(JobId(input.job_id))) return;
  ++asked_[{input.job_id, {topic_of(input), input.correlation}}];
}

// ---- what goes out ------------------------------------------------------------------------------

struct Ledger::Judge {
  Ledger& ledger;
  const hub::State& state;

  void operator()(const hub::Send& e) const {
    ledger.scrutineer.on_send(state, e);
    if (e.to.role != protocol::Role::worker) return;
    const WorkerId worker(e.to.id);
    if (const auto* run = std::get_if<protocol::Run>(&e.message)) {
      ledger.check_run(state, worker, *run);
    } else if (const auto* assign = std::get_if<protocol::Assign>(&e.message)) {
      ledger.check_assign(state, worker, *assign);
    } else if (const auto* stored = std::get_if<protocol::Stored>(&e.message)) {
      ledger.check_stored(state, worker, *stored);
    }
  }
  void operator()(const hub::StartRelay& e) const { ledger.check_relay(state, e); }
  void operator()(const hub::Publish& e) const {
    if (!e.answer_of.empty()) return ledger.check_answer(e);
    if (contains(e.payload, "\"event\":\"accepted\"")) return ledger.check_accepted(e.payload);
    if (contains(e.payload, "\"state\":\"refused\"")) return ledger.check_refused(e.payload);
  }
  void operator()(const hub::Persist& e) const {
    ledger.given_up_.insert(e.batch.deletes.begin(), e.batch.deletes.end());
    for (const auto& [key, value] : e.batch.puts) ledger.check_write(key, value, e.batch);
  }
  template <typename Other>
  void operator()(const Other&) const {}
};

void Ledger::on_effect(const hub::State& state, const hub::Effect& effect) {
  std::visit(Judge{*this, state}, effect);
}

// A result that was forwarded before its replicas have agreed is marked, and so long nothing that
// is made of it is worth more.
bool Ledger::is_in_doubt(const std::string& job, const store::Batch& batch) {
  const std::string marks = hub::kUnconfirmed + job + "/";
  const bool marked_now = std::any_of(batch.puts.begin(), batch.puts.end(), [&](const auto& put) {
    return put.first.starts_with(marks);
  });
  bool marked = false;
  (void)world_.disk.now().scan_keys(marks, [&](std::string_view) { return !(marked = true); });
  return marked || marked_now;
}

// What is stored is what the whole network gives.
void Ledger::check_write(const std::string& key, const Blob& value, const store::Batch& batch) {
  if (!key.starts_with(hub::kFeatureMaps)) return;
  given_up_.erase(key);
  const std::size_t slash = key.find('/', 2);
  const std::string id = key.substr(2, slash - 2);
  const std::string tensor = key.substr(slash + 1);
  Job& job = jobs_[id];
  if (tensor == partition::kImageTensor) {
    if (job.accepted) world_.violate("job " + id + " is accepted a second time");
    job.image = std::string(value.text());
  } else if (!is_right(job.image, tensor, value.text())) {
    if (tensor != partition::kAnswerTensor && is_in_doubt(id, batch)) return;
    world_.violate("a wrong feature map is stored: " + tensor + " of job " + id);
  }
}

bool Ledger::is_intact(const JobId& job, const std::string& tensor) {
  if (given_up_.contains(hub::feature_map_key(job, tensor))) return false;
  const auto record = world_.disk.now().get(hub::feature_map_ref_key(job, tensor));
  const auto data = world_.disk.now().get(hub::feature_map_key(job, tensor));
  if (!record.ok() || !data.ok()) return false;
  const auto ref = hub::decode_ref(tensor, *record);
  return ref.ok() && ref->digest == digest_of(data->bytes());
}

// What is stored is never computed again; and only the safe zone sees secrets.
void Ledger::check_run(const hub::State& state, const WorkerId& worker, const protocol::Run& run) {
  if (has_voted(state, run.task, worker)) return;  // it is asked to show what it has computed
  const auto ballot = state.ballots.find(run.task);
  const partition::Plan* plan = find_plan(run.task.plan);
  const partition::Partition* part = plan == nullptr ? nullptr : plan->find(run.task.partition);
  if (part == nullptr) return world_.violate("a task of no plan is given out");
  const bool stored =
      std::all_of(part->outputs.begin(), part->outputs.end(),
                  [&](const auto& output) { return is_intact(run.task.job, output.name); });
  const bool undecided = ballot != state.ballots.end() && !ballot->second.decided;
  if (stored && !undecided) {
    world_.violate(part->name.text + " of job " + run.task.job.text +
                   " is stored, and given out again");
  }
  const auto known = state.workers.find(worker);
  if (part->safe_zone && known != state.workers.end() && !known->second.info.safe_zone) {
    world_.violate(part->name.text + " is given to " + worker.text + ", outside the safe zone");
  }
}

// Nobody is shown early what he must not see, or what replicas have not agreed on.
void Ledger::check_relay(const hub::State& state, const hub::StartRelay& relay) {
  const partition::Plan* plan = find_plan(relay.task.plan);
  const partition::Partition* taker = plan == nullptr ? nullptr : plan->find(relay.task.partition);
  if (taker == nullptr) return world_.violate("a result is relayed for a task of no plan");
  const auto known = state.workers.find(relay.to);
  if (known == state.workers.end()) return world_.violate("a result is relayed to nobody");
  if (taker->safe_zone && !known->second.info.safe_zone) {
    world_.violate(relay.tensor + " is relayed to " + relay.to.text + ", outside the safe zone");
  }
  for (const auto& part : plan->partitions) {
    const bool makes_it =
        std::any_of(part.outputs.begin(), part.outputs.end(),
                    [&](const auto& output) { return output.name == relay.tensor; });
    if (makes_it && part.replication.votes()) {
      world_.violate(relay.tensor + " is relayed before its replicas have agreed");
    }
  }
}

void Ledger::check_assign(const hub::State& state, const WorkerId& worker,
                          const protocol::Assign& assign) {
  const auto known = state.workers.find(worker);
  if (known == state.workers.end() || known->second.info.safe_zone) return;
  for (const auto& assigned : assign.partitions) {
    const partition::Plan* plan = find_plan(assigned.plan);
    const auto* part = plan == nullptr ? nullptr : plan->find(assigned.partition);
    if (part == nullptr || part->safe_zone) {
      world_.violate(assigned.partition.text + " is assigned to " + worker.text +
                     ", outside the safe zone");
    }
  }
}

// A worker is told to forget only what is on disk, or not its to do any more.
void Ledger::check_stored(const hub::State& state, const WorkerId& worker,
                          const protocol::Stored& stored) {
  const hub::Task* task = find_task(state, stored.task);
  if (task == nullptr || task->state != TaskState::storing) return;
  if (task->with(worker) == nullptr) return;
  const auto* part = find_plan(stored.task.plan)->find(stored.task.partition);
  for (const auto& output : part->outputs) {
    if (world_.disk.now().get(hub::feature_map_key(stored.task.job, output.name)).ok()) continue;
    world_.violate(worker.text + " is told to forget " + part->name.text + " of job " +
                   stored.task.job.text + " before it is stored");
  }
}

void Ledger::check_accepted(const std::string& event) {
  const std::string id = parse(event)["job"];
  Job& job = jobs_[id];
  if (job.accepted) world_.violate("job " + id + " is accepted a second time");
  job.accepted = true;
  if (!world_.disk.synced().get(hub::job_key(JobId(id))).ok()) {
    world_.violate("job " + id + " is called accepted before it is synced");
  }
}

void Ledger::check_refused(const std::string& answer) {
  const json refused = parse(answer);
  const std::string id = refused["job"];
  if (id.empty() || id != asked_again_) return;
  world_.violate("job " + id + " was accepted, and is refused: " + refused.value("error", ""));
}

void Ledger::check_answer(const hub::Publish& publish) {
  const std::string& id = publish.answer_of.text;
  const AskerKey asker{publish.topic, publish.correlation};
  const int may = 1 + asked_[{id, asker}] + repeats_[id];
  if (++told_[{id, asker}] > may) {
    world_.violate("the answer of job " + id + " is told " + std::to_string(may + 1) +
                   " times to one who asked " + std::to_string(may) + " times");
  }
  check_outcome(id, publish.payload);
}

void Ledger::check_outcome(const std::string& id, const std::string& answer) {
  Job& job = jobs_[id];
  if (!job.answer.empty() && job.answer != answer) {
    return world_.violate("job " + id + " has two outcomes: " + job.answer + " and " + answer);
  }
  if (!job.answer.empty()) return;
  job.answer = answer;
  const json told = parse(answer);
  job.is_done = told.value("state", "") == "done";
  if (job.is_done && told.value("top", "") != top_of(job.image)) {
    world_.violate("job " + id + " has a wrong answer: " + answer);
  }
  if (!job.is_done && !job.image_rotten) {
    world_.violate("job " + id + " failed without need: " + answer);
  }
  const auto record = world_.disk.synced().get(hub::job_key(JobId(id)));
  const auto stored = record.ok() ? hub::decode_job(*record) : Result<hub::Job>(record.error());
  if (!stored.ok() || stored->answer != answer) {
    world_.violate("the answer of job " + id + " is told before it is synced");
  }
}

void Ledger::after(const hub::State& state, const hub::Event& event, bool had_effects) {
  check_claim(state);
  scrutineer.after(state);
  // A tick without effects has changed nothing that could break one.
  if (std::holds_alternative<hub::Tick>(event) && !had_effects) return;
  const std::string broken = hub::broken_invariant(state);
  if (!broken.empty()) world_.violate("an invariant of the hub: " + broken);
}

// ---- others -------------------------------------------------------------------------------------

void Ledger::on_broker(const bus::Message& message) {
  const bool answer = message.topic == protocol::output_topic(ModelName(kModel)) ||
                      message.topic.starts_with("users/");
  if (!answer) return;
  const json told = parse(message.payload.text());
  const auto job = jobs_.find(told.value("job", ""));
  if (job != jobs_.end() && told.value("state", "") != "refused") ++job->second.at_broker;
}

void Ledger::on_rot(const std::string& key) {
  const std::size_t slash = key.find('/', 2);
  if (key.substr(slash + 1) == partition::kImageTensor) {
    jobs_[key.substr(2, slash - 2)].image_rotten = true;
  }
}

std::string Ledger::missing() const {
  for (const auto& [id, job] : jobs_) {
    if (job.accepted && job.at_broker == 0) return "job " + id + " was accepted and has no answer";
  }
  return {};
}

}  // namespace hyps::sim
