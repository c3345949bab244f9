#include "services/hub/reputations.hpp"

#include "services/hub/keys.hpp"
#include "services/hub/records.hpp"

namespace hyps::hub {

namespace {

void save(State& s, const WorkerId& worker) {
  store::Batch batch;
  batch.puts.emplace_back(reputation_key(worker), encode_reputation(s.reputations.at(worker)));
  batch.sync = s.reputations.at(worker).quarantined;  // a liar must not come back by a power cut
  s.persist(std::move(batch), [](const Status&) {});
}

void count(State& s, const WorkerId& worker, bool agreed) {
  voting::Reputation& reputation = s.reputations[worker];
  const bool before = reputation.quarantined;
  if (agreed) {
    reputation.agreed();
  } else {
    reputation.lied();
  }
  save(s, worker);
  if (before == reputation.quarantined) return;
  s.snapshot_due = s.status_due = s.schedule_due = true;
  if (!before) s.liars.insert(worker);
  s.log(Log::Level::warn, before ? "worker.rehabilitated" : "worker.quarantined",
        {{"worker", worker.text}});
}

}  // namespace

void count_agreement(State& s, const WorkerId& worker) { count(s, worker, true); }

void count_lie(State& s, const WorkerId& worker, const protocol::TaskKey& task,
               const std::string& why) {
  s.log(Log::Level::error, "worker.lied",
        {{"worker", worker.text},
         {"job", task.job.text},
         {"partition", task.partition.text},
         {"why", why}});
  count(s, worker, false);
}

bool is_quarantined(const State& s, const WorkerId& worker) {
  const auto known = s.reputations.find(worker);
  return known != s.reputations.end() && known->second.quarantined;
}

bool may_skip_vote(State& s, const WorkerId& worker) {
  if (s.config.trust_after == 0) return false;
  const auto known = s.reputations.find(worker);
  if (known == s.reputations.end()) return false;
  const auto needed = static_cast<std::uint64_t>(s.config.trust_after);
  return known->second.is_trusted(needed) &&
         s.random.below(static_cast<std::uint64_t>(s.config.check_one_in)) != 0;
}

}  // namespace hyps::hub
