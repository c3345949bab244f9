#include "fake_worker.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace hyps::hub {

namespace {

// As common/image writes it.
std::string answer_of(const partition::Partition& report, const std::map<std::string, Blob>& inputs,
                      const std::string& top) {
  auto outputs = nlohmann::json::array();
  for (const auto& input : report.inputs) {
    outputs.push_back(
        {{"name", input.name}, {"digest", digest_of(inputs.at(input.name).bytes()).hex()}});
  }
  return nlohmann::json{{"outputs", outputs}, {"top", top}}.dump();
}

}  // namespace

std::map<std::string, Blob> compute(const partition::Partition& partition,
                                    const std::map<std::string, Blob>& inputs) {
  std::string seen = partition.name.text;
  for (const auto& input : partition.inputs) {
    seen += " " + input.name + "=" + digest_of(inputs.at(input.name).bytes()).hex();
  }
  std::map<std::string, Blob> outputs;
  for (const auto& output : partition.outputs) {
    const std::string text = output.name + ":" + digest_of(std::string_view(seen)).hex();
    const bool answer = output.name == partition::kAnswerTensor;
    outputs[output.name] = Blob::of(answer ? answer_of(partition, inputs, text) : text);
  }
  return outputs;
}

FakeWorker::FakeWorker(const partition::Plan* plan, const std::string& id, bool safe,
                       std::uint64_t incarnation)
    : plan_(plan) {
  info.id = WorkerId(id);
  info.safe_zone = safe;
  info.incarnation = incarnation;
  info.memory_bytes = 1U << 30U;
}

std::vector<Event> FakeWorker::hello() const { return {FromPeer{peer(), protocol::Hello{info}}}; }

std::vector<Event> FakeWorker::on_message(const protocol::Message& message, Milliseconds now) {
  if (const auto* assigned = std::get_if<protocol::Assign>(&message)) {
    if (assigned->incarnation == info.incarnation) assign = *assigned;
  }
  if (const auto* stored = std::get_if<protocol::Stored>(&message)) held_.erase(stored->task);
  if (std::holds_alternative<protocol::SayHello>(message)) return hello();
  const auto* run = std::get_if<protocol::Run>(&message);
  if (run == nullptr) return {};
  Held& held = held_[run->task];
  if (held.epoch < run->epoch) held.epoch = run->epoch;
  if (!held.run || held.run->inputs != run->inputs) held.outputs.clear();
  held.run = *run;
  held.touched = now;
  if (!held.outputs.empty()) return results(run->task, held);
  return try_compute(run->task, held);
}

std::vector<Event> FakeWorker::on_input(const TaskKey& key, Epoch epoch, const std::string& tensor,
                                        const Blob& data, Milliseconds now) {
  Held& held = held_[key];
  if (held.epoch < epoch) held.epoch = epoch;
  held.received[tensor] = data;
  held.touched = now;
  std::vector<TaskKey> waiting;  // others may share it
  for (const auto& [other, task] : held_) {
    const bool shares = task.run && !task.run->shared.empty();
    const bool is_its = other == key || (other.job == key.job && shares);
    if (is_its && task.outputs.empty()) waiting.push_back(other);
  }
  std::vector<Event> events;
  for (const TaskKey& other : waiting) {
    for (auto& event : try_compute(other, held_.at(other))) events.push_back(std::move(event));
  }
  return events;
}

const Blob* FakeWorker::input_of(const TaskKey& key, const Held& held,
                                 const protocol::TensorRef& wanted) const {
  const auto is_it = [&](const auto& entry) {
    return entry.first == wanted.tensor && digest_of(entry.second.bytes()) == wanted.digest;
  };
  const auto own = std::find_if(held.received.begin(), held.received.end(), is_it);
  if (own != held.received.end()) return &own->second;
  const auto& shared = held.run->shared;
  if (std::find(shared.begin(), shared.end(), wanted.tensor) == shared.end()) return nullptr;
  for (const auto& [other, sibling] : held_) {
    if (other.job != key.job) continue;
    const auto found = std::find_if(sibling.received.begin(), sibling.received.end(), is_it);
    if (found != sibling.received.end()) return &found->second;
  }
  return nullptr;
}

std::vector<Event> FakeWorker::heartbeat(Milliseconds now) {
  protocol::Heartbeat beat;
  beat.incarnation = info.incarnation;
  std::vector<Event> events;
  std::erase_if(held_, [&](const auto& item) {
    return item.second.outputs.empty() && now - item.second.touched > Milliseconds(5000);
  });
  for (auto& [key, held] : held_) {
    beat.tasks.push_back(key);
    if (held.outputs.empty() || now - held.touched < Milliseconds(3000)) continue;
    held.touched = now;
    for (auto& event : results(key, held)) events.push_back(std::move(event));
  }
  if (assign) {
    for (const auto& part : assign->partitions) {
      beat.loaded.emplace_back(part.plan.text + "/" + part.partition.text);
    }
  }
  events.emplace_back(FromPeer{peer(), beat});
  return events;
}

std::vector<Event> FakeWorker::try_compute(const TaskKey& key, Held& held) {
  if (!held.run) return {};
  std::map<std::string, Blob> inputs;
  for (const auto& wanted : held.run->inputs) {
    const Blob* input = input_of(key, held, wanted);
    if (input == nullptr) return {};
    inputs[wanted.tensor] = *input;
  }
  if (fail_with) {
    protocol::TaskFailed failed = *fail_with;
    failed.task = key;
    failed.epoch = held.epoch;
    held_.erase(key);
    return {FromPeer{peer(), failed}};
  }
  ++computed[key];
  for (auto& [name, right] : compute(*plan_->find(key.partition), inputs)) {
    const Blob data = lie ? lie(right) : right;
    Digest digest = digest_of(data.bytes());
    if (lie_about_digests) digest.low ^= 1;
    held.outputs.emplace_back(protocol::TensorRef{name, data.size(), digest}, data);
  }
  return results(key, held);
}

std::vector<Event> FakeWorker::results(const TaskKey& key, const Held& held) {
  if (mute) return {};
  std::vector<Event> events;
  const Digest made_of = held.run ? protocol::digest_of_inputs(held.run->inputs) : Digest{};
  protocol::TaskDone done{key, held.epoch, {}, 1500, 0, made_of};
  for (const auto& [ref, data] : held.outputs) {
    done.outputs.push_back(ref);
    if (held.run && held.run->announce) continue;
    const Blob sent = send_instead ? send_instead(data) : data;
    const std::uint64_t stream = ++last_stream_;
    events.emplace_back(StreamBegan{peer(), stream, key, held.epoch, ref.tensor, sent.size()});
    events.emplace_back(TensorArrived{
        peer(), {key, held.epoch, ref.tensor, sent, digest_of(sent.bytes()), stream, sent.size()}});
  }
  events.emplace_back(FromPeer{peer(), done});
  return events;
}

}  // namespace hyps::hub
