// Values that a voter needs to tell: outputs of replicas, from them or from the store.
#include <algorithm>

#include "services/hub/ballots.hpp"

namespace hyps::hub {

namespace {

// What was or will be taken: these outputs are the ledger's own.
bool is_taken(const Ballot& ballot, const Copy& copy) {
  const auto taken = ballot.copies.find(ballot.forwarded);
  if (taken == ballot.copies.end() || !taken->second.vote) return false;
  return std::is_permutation(copy.vote->outputs.begin(), copy.vote->outputs.end(),
                             taken->second.vote->outputs.begin(),
                             taken->second.vote->outputs.end());
}

// False: there is nothing left to compare with.
bool keeps_feature_maps(State& s, const JobId& job) {
  if (s.find_job(job) != nullptr) return true;
  const auto finished = s.finished.find(job);
  return finished != s.finished.end() && finished->second.has_feature_maps &&
         finished->second.summary.state == JobState::done;  // of a failed job its input is kept
}

void show_stored(State& s, const protocol::TaskKey& key, const Copy& copy) {
  if (s.voters.empty()) return;
  const Peer voter{protocol::Role::voter, s.voters.back()};
  for (const auto& output : copy.vote->outputs) {
    s.effects.emplace_back(SendStoredValue{voter, key, copy.epoch, output});
  }
}

}  // namespace

// The outputs of these are needed to tell: they are sent here, and on to the voter.
void show_values(State& s, Ballot& ballot, const protocol::Verdict& verdict) {
  for (const WorkerId& worker : verdict.members) {
    const auto at = ballot.copies.find(worker);
    if (at == ballot.copies.end() || !at->second.vote) continue;
    Copy& copy = at->second;
    copy.shown = true;
    if (ballot.stored && is_taken(ballot, copy)) {
      if (!keeps_feature_maps(s, verdict.task.job)) return end_doubts(s, verdict.task);
      show_stored(s, verdict.task, copy);
    } else if (copy.failure.empty() && (!ballot.decided || copy.doubted)) {
      s.send_worker(worker, protocol::Run{verdict.task, copy.epoch, ballot.inputs, false});
    }
  }
}

void show_taken(State& s, const protocol::TaskKey& key, const Ballot& ballot) {
  for (const auto& [worker, copy] : ballot.copies) {
    if (copy.shown && !copy.doubted && is_taken(ballot, copy)) show_stored(s, key, copy);
  }
}

bool show_to_voter(State& s, const WorkerId& worker, const protocol::Arrival& arrival) {
  const Copy* copy = find_copy(s, arrival.task, worker);
  if (copy == nullptr || !copy->shown || copy->epoch != arrival.epoch) return false;
  const Ballot& ballot = *find_ballot(s, arrival.task);
  if ((ballot.decided && !copy->doubted) || s.voters.empty()) return false;
  SendValue send;
  send.to = {protocol::Role::voter, s.voters.back()};
  send.value = arrival;
  s.effects.emplace_back(std::move(send));
  return true;
}

}  // namespace hyps::hub
