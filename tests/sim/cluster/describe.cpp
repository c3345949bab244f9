#include "describe.hpp"

#include <fmt/format.h>

#include <variant>

#include "common/compression/compress.hpp"
#include "common/protocol/codec.hpp"

namespace hyps::sim {

namespace {

std::string names_of(const std::vector<WorkerId>& workers) {
  std::string text;
  for (const auto& worker : workers) text += " " + worker.text;
  return text;
}

std::string text_of(const protocol::TaskKey& task, Epoch epoch) {
  return fmt::format("{} {} epoch {}", task.job.text, task.partition.text, epoch);
}

struct Describe {
  std::string operator()(const protocol::Hello& m) const {
    return fmt::format("Hello, incarnation {}", m.info.incarnation % 10'000);
  }
  std::string operator()(const protocol::Heartbeat& m) const {
    std::string text = fmt::format("Heartbeat of {}:", m.incarnation % 10'000);
    for (const auto& task : m.tasks) text += " " + task.job.text + "/" + task.partition.text;
    return m.problem.empty() ? text : text + "; " + m.problem;
  }
  std::string operator()(const protocol::TaskDone& m) const {
    std::string text = "TaskDone " + text_of(m.task, m.epoch);
    for (const auto& output : m.outputs) text += " " + output.digest.hex().substr(0, 6);
    return text;
  }
  std::string operator()(const protocol::TaskFailed& m) const {
    return "TaskFailed " + text_of(m.task, m.epoch) + ": " + m.message;
  }
  std::string operator()(const protocol::Assign& m) const {
    std::string text = fmt::format("Assign to {}:", m.incarnation % 10'000);
    for (const auto& part : m.partitions) {
      text += fmt::format(" {}({})", part.partition.text, part.epoch);
    }
    return text;
  }
  std::string operator()(const protocol::Run& m) const {
    return "Run " + text_of(m.task, m.epoch) + (m.announce ? ", announce" : "");
  }
  std::string operator()(const protocol::Lacking& m) const {
    return "Lacking " + text_of(m.task, m.epoch);
  }
  std::string operator()(const protocol::Stored& m) const {
    return "Stored " + m.task.job.text + " " + m.task.partition.text;
  }
  std::string operator()(const protocol::PartPut& m) const {
    return "PartPut " + m.file.hex().substr(0, 8);
  }
  std::string operator()(const protocol::PartStored& m) const {
    return "PartStored " + m.file.hex().substr(0, 8);
  }
  std::string operator()(const protocol::PartGet& m) const {
    return "PartGet " + m.file.hex().substr(0, 8);
  }
  std::string operator()(const protocol::Part& m) const {
    return "Part " + m.file.hex().substr(0, 8);
  }
  std::string operator()(const protocol::Refused& m) const { return "Refused: " + m.message; }
  std::string operator()(const protocol::Deploy& m) const { return "Deploy " + m.model.text; }
  std::string operator()(const protocol::Reply& m) const { return "Reply " + m.json; }
  std::string operator()(const protocol::ManagerHello&) const { return "ManagerHello"; }
  std::string operator()(const protocol::Snapshot& m) const {
    std::string text = fmt::format("Snapshot {}:", m.version % 10'000'000);
    for (const auto& worker : m.workers) {
      text += fmt::format(" {} {}", worker.info.id.text, worker.online ? "online" : "offline");
    }
    for (const auto& model : m.models) text += "; " + model.name.text + " " + model.state;
    return text;
  }
  std::string operator()(const protocol::SetPlan& m) const { return "SetPlan of " + m.model.text; }
  std::string operator()(const protocol::SetRoutes& m) const {
    std::string text = "SetRoutes " + m.plan.text + ":";
    for (const auto& route : m.routes) {
      text += fmt::format(" {}={}({})", route.partition.text, route.worker.text, route.epoch);
    }
    return m.problem.empty() ? text : text + "; " + m.problem;
  }
  std::string operator()(const protocol::ModelFailed& m) const {
    return "ModelFailed: " + m.problem;
  }
  std::string operator()(const protocol::VoterHello&) const { return "VoterHello"; }
  std::string operator()(const protocol::Ballot& m) const {
    std::string text =
        fmt::format("Ballot {} {} number {}, quorum {}, outstanding {}:", m.task.job.text,
                    m.task.partition.text, m.number % 10'000, m.quorum, m.outstanding);
    for (const auto& vote : m.votes) {
      text += fmt::format(" {}({}{})", vote.worker.text, vote.arithmetic, vote.counts ? "" : "?");
      for (const auto& output : vote.outputs) text += " " + output.digest.hex().substr(0, 6);
    }
    return text;
  }
  std::string operator()(const protocol::Verdict& m) const {
    const char* outcomes[] = {"open", "agreed", "values", "split"};
    return fmt::format("Verdict {} {} number {}: {}{}; lie:{} ({})", m.task.job.text,
                       m.task.partition.text, m.number % 10'000, outcomes[m.outcome % 4],
                       names_of(m.members), names_of(m.liars), m.reason);
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "a message of type " + std::to_string(protocol::Message(Other{}).index());
  }
};

}  // namespace

std::string describe(const protocol::Message& message) { return std::visit(Describe{}, message); }

std::string describe(const store::Batch& batch) {
  std::string text = batch.sync ? "and syncs" : "";
  for (const auto& prefix : batch.delete_prefixes) text += " -" + prefix + "*";
  for (const auto& key : batch.deletes) text += " -" + key;
  for (const auto& [key, value] : batch.puts) text += " " + key;
  return text;
}

std::string describe(std::string_view event,
                     const std::vector<std::pair<std::string_view, std::string>>& fields) {
  std::string text(event);
  for (const auto& [name, value] : fields) text += fmt::format(" {}={}", name, value);
  return text;
}

Blob flipped(World& world, const Blob& data) {
  if (data.empty() || !world.happens(world.rates.flipped)) return data;
  std::string bytes(data.text());
  bytes[world.random.below(bytes.size())] ^= 4;
  return Blob::of(std::move(bytes));
}

Blob encode_somehow(World& world, protocol::Chunk chunk) {
  if (!chunk.data.empty() && world.random.below(2) == 0) {
    chunk.raw_bytes = chunk.data.size();
    chunk.data = compression::compress(chunk.data.bytes());
  }
  return protocol::encode(std::move(chunk));
}

}  // namespace hyps::sim
