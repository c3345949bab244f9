// A fake hub and shell around a worker's core: says what was sent and answers as told.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/base/digest.hpp"
#include "services/worker/core.hpp"

namespace hyps::worker::testing {

inline constexpr std::uint64_t kIncarnation = 77;

inline protocol::TaskKey task_key(const std::string& partition, const std::string& job = "j1") {
  return {JobId(job), PlanId("m@1"), PartitionName(partition)};
}

inline Blob blob(const std::string& text) { return Blob::copy_of(text); }

inline protocol::TensorRef ref(const std::string& tensor, const std::string& content) {
  return {tensor, content.size(), digest_of(content)};
}

inline protocol::AssignedPartition assigned(const std::string& partition, std::uint64_t memory = 10,
                                            Epoch epoch = 1) {
  protocol::FileRef file{"model.onnx", 5, digest_of(partition)};
  return {PlanId("m@1"), PartitionName(partition), "vertical", memory, {file}, epoch};
}

inline CoreConfig config(std::uint64_t memory = 100) {
  CoreConfig config;
  config.info.id = WorkerId("w1");
  config.info.incarnation = kIncarnation;
  config.info.memory_bytes = memory;
  config.limits = {8, 1000, Milliseconds{5000}};
  return config;
}

class World {
 public:
  explicit World(CoreConfig configuration = config()) : core(std::move(configuration)) {}

  Effects send(const Event& event) {
    Effects effects = core.step(event, now);
    all.insert(all.end(), effects.begin(), effects.end());
    return effects;
  }
  Effects receive(protocol::Message message) { return send(Received{std::move(message)}); }
  Effects pass(int ms) {
    now.steady += Milliseconds(ms);
    return send(Tick{});
  }

  Effects assign(std::vector<protocol::AssignedPartition> partitions) {
    return receive(protocol::Assign{kIncarnation, std::move(partitions)});
  }
  Effects run(const std::string& partition, const std::vector<protocol::TensorRef>& inputs,
              Epoch epoch = 1, const std::string& job = "j1") {
    return receive(protocol::Run{task_key(partition, job), epoch, inputs});
  }
  // The whole tensor as one chunk.
  Effects tensor(const std::string& partition, const std::string& tensor_name,
                 const std::string& content, Epoch epoch = 1, const std::string& job = "j1") {
    return receive(protocol::Chunk{++stream_, task_key(partition, job), epoch, tensor_name, 0,
                                   content.size(), blob(content)});
  }

  // Answers every Fetch and Load in `effects`, and what follows from them, until only work that
  // takes an input is left; gives the Compute, if there was one.
  std::vector<Compute> settle(Effects effects) {
    std::vector<Compute> computes;
    for (std::size_t i = 0; i < effects.size(); ++i) {
      Effects more;
      if (const auto* fetch = std::get_if<Fetch>(&effects[i])) more = send(Fetched{fetch->serial});
      if (const auto* load = std::get_if<Load>(&effects[i])) {
        more = send(Loaded{load->serial, 9, 5});
      }
      if (const auto* compute = std::get_if<Compute>(&effects[i])) computes.push_back(*compute);
      effects.insert(effects.end(), more.begin(), more.end());
    }
    return computes;
  }
  // Connected, with these partitions loaded as far as they fit.
  void ready(std::vector<protocol::AssignedPartition> partitions) {
    send(Connected{});
    settle(assign(std::move(partitions)));
    all.clear();
  }

  Effects computed(const Compute& compute, const std::string& output = "result") {
    return send(Computed{compute.items.at(0).task, {{ref("y", output), blob(output)}}, 7});
  }

  Core core;
  Now now;
  Effects all;

 private:
  std::uint64_t stream_ = 0;
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

}  // namespace hyps::worker::testing
