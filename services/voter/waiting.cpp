#include "services/voter/waiting.hpp"

#include <algorithm>
#include <iterator>

namespace hyps::voter {

using protocol::TensorRef;
using protocol::Vote;

void Waiting::replace(protocol::Ballot ballot, Milliseconds now) {
  shown = now;
  ballot_ = std::move(ballot);
  std::set<Digest> named;
  for (const Vote& vote : ballot_.votes) {
    for (const TensorRef& output : vote.outputs) named.insert(output.digest);
  }
  std::erase_if(evidence_.values, [&](const auto& value) { return !named.contains(value.first); });
}

void Waiting::ask(const std::vector<WorkerId>& workers) {
  asked_.insert(workers.begin(), workers.end());
}

std::vector<WorkerId> Waiting::not_asked(const std::vector<WorkerId>& workers) const {
  std::vector<WorkerId> fresh;
  std::copy_if(workers.begin(), workers.end(), std::back_inserter(fresh),
               [&](const WorkerId& worker) { return !asked_.contains(worker); });
  return fresh;
}

bool Waiting::is_missing(const Vote& vote) const {
  return asked_.contains(vote.worker) && !evidence_.forgers.contains(vote.worker) &&
         !voting::has_values(evidence_, vote);
}

std::uint64_t Waiting::asked_bytes() const {
  std::uint64_t bytes = 0;
  for (const Vote& vote : ballot_.votes) {
    if (!asked_.contains(vote.worker)) continue;
    for (const TensorRef& output : vote.outputs) {
      if (output.bytes > UINT64_MAX - bytes) return UINT64_MAX;
      bytes += output.bytes;
    }
  }
  return bytes;
}

std::vector<WorkerId> Waiting::missing() const {
  std::vector<WorkerId> workers;
  for (const Vote& vote : ballot_.votes) {
    if (is_missing(vote)) workers.push_back(vote.worker);
  }
  return workers;
}

const Vote* Waiting::vote_of(Epoch epoch) const {
  const auto found = std::find_if(ballot_.votes.begin(), ballot_.votes.end(),
                                  [&](const Vote& vote) { return vote.epoch == epoch; });
  return found == ballot_.votes.end() ? nullptr : &*found;
}

const TensorRef* Waiting::output_of(Epoch epoch, const std::string& tensor) const {
  const Vote* vote = vote_of(epoch);
  if (vote == nullptr || !is_missing(*vote)) return nullptr;
  const auto found = std::find_if(vote->outputs.begin(), vote->outputs.end(),
                                  [&](const TensorRef& ref) { return ref.tensor == tensor; });
  return found == vote->outputs.end() ? nullptr : &*found;
}

bool Waiting::wants(const protocol::Chunk& chunk) const {
  const TensorRef* output = output_of(chunk.epoch, chunk.tensor);
  return output != nullptr && output->bytes == chunk.total &&
         !evidence_.values.contains(output->digest);
}

bool Waiting::is_forged(const protocol::Chunk& chunk) {
  const TensorRef* output = output_of(chunk.epoch, chunk.tensor);
  if (output == nullptr || output->bytes == chunk.total) return false;
  evidence_.forgers.insert(vote_of(chunk.epoch)->worker);
  return true;
}

void Waiting::take(const protocol::Arrival& arrival) {
  const TensorRef* output = output_of(arrival.epoch, arrival.tensor);
  if (output == nullptr) return;
  if (digest_of(arrival.data.bytes()) == output->digest) {
    evidence_.values[output->digest] = arrival.data;
  } else {
    evidence_.forgers.insert(vote_of(arrival.epoch)->worker);
  }
}

}  // namespace hyps::voter
