#include "faults.hpp"

#include <array>
#include <optional>
#include <utility>

#include "cluster.hpp"
#include "services/hub/keys.hpp"

namespace hyps::sim {

Faults::Faults(Cluster& cluster) : c_(cluster) {
  draw_rates();
  draw_faults();
}

void Faults::draw_rates() {
  Random& random = c_.world.random;
  Rates& rates = c_.world.rates;
  const auto draw = [&](std::uint64_t& rate, std::uint64_t most) {
    if (random.below(3) == 0) rate = 1 + random.below(most);
  };
  draw(rates.lost, 40);
  draw(rates.doubled, 60);
  draw(rates.late, 80);
  draw(rates.corrupted, 30);
  draw(rates.truncated, 30);
  draw(rates.flipped, 60);
  draw(rates.failing_work, 80);
}

void Faults::draw_faults() {
  const std::vector<void (Faults::*)()> all{
      &Faults::kill_somebody,     &Faults::kill_worker,     &Faults::kill_hub,
      &Faults::kill_hub_at_work,  &Faults::kill_everything, &Faults::kill_broker,
      &Faults::freeze_somebody,   &Faults::cut_somebody,    &Faults::slow_a_worker,
      &Faults::fill_disk,         &Faults::fail_writes,     &Faults::reach_reserve,
      &Faults::rot_a_feature_map, &Faults::jump_a_clock,    &Faults::redeploy,
      &Faults::wipe_a_cache,      &Faults::cut_hub,         &Faults::cut_worker,
      &Faults::freeze_worker,     &Faults::kill_voter,      &Faults::slow_a_voter};
  for (const auto fault : all) {
    if (c_.world.random.below(3) == 0) kinds_.emplace_back([this, fault] { (this->*fault)(); });
  }
  pause_ms_ = c_.world.random.between(100, 3000);
}

bool Faults::is_over() const { return c_.world.clock.now() >= c_.trouble; }

void Faults::begin() {
  if (!kinds_.empty()) c_.world.clock.after(c_.world.random_ms(0, 4000), [this] { next(); });
}

void Faults::next() {
  if (is_over()) return;
  kinds_[c_.world.random.below(kinds_.size())]();
  c_.world.clock.after(c_.world.random_ms(1, 2 * pause_ms_), [this] { next(); });
}

// The end of the trouble undoes what is left.
void Faults::for_a_while(Fault undo) {
  // Unnoticed, noticed by some, noticed by all.
  constexpr std::array<std::int64_t, 3> kMost{300, 4000, 18'000};
  const Milliseconds time = c_.world.random_ms(1, kMost[c_.world.random.below(kMost.size())]);
  c_.world.clock.after(time, [this, undo = std::move(undo)] {
    if (!is_over()) undo();
  });
}

Process& Faults::anybody() {
  const auto all = c_.processes();
  return *all[c_.world.random.below(all.size())];
}

WorkerProcess& Faults::any_worker() {
  return *c_.workers[c_.world.random.below(c_.workers.size())];
}

// ---- processes ----------------------------------------------------------------------------------

void Faults::kill(Process& process) {
  if (!process.alive() || &process == c_.user.get()) return;
  process.crash();
  for_a_while([&process] {
    if (!process.alive()) process.start();
  });
}

void Faults::kill_somebody() { kill(anybody()); }
void Faults::kill_worker() { kill(any_worker()); }
void Faults::kill_hub() { kill(*c_.hub); }

void Faults::kill_everything() {
  for (Process* process : c_.processes()) kill(*process);
}

void Faults::kill_hub_at_work() {
  if (!c_.hub->alive()) return;
  c_.hub->crash_at_effect(static_cast<int>(c_.world.random.below(40)));
  for_a_while([this] {
    if (!c_.hub->alive()) c_.hub->start();
  });
}

void Faults::freeze_somebody() { freeze(anybody()); }
void Faults::freeze_worker() { freeze(any_worker()); }

void Faults::freeze(Process& process) {
  if (!process.alive() || process.frozen()) return;
  process.freeze();
  for_a_while([&process] { process.thaw(); });
}

void Faults::slow_a_worker() {
  WorkerProcess& worker = any_worker();
  c_.world.say(worker.name(), [] { return "becomes slow"; });
  worker.set_slowness(static_cast<int>(c_.world.random.between(10, 100)));
  for_a_while([&worker] { worker.set_slowness(1); });
}

void Faults::kill_voter() {
  if (!c_.voters.empty()) kill(*c_.voters[c_.world.random.below(c_.voters.size())]);
}

void Faults::slow_a_voter() {
  if (c_.voters.empty()) return;
  VoterProcess& voter = *c_.voters[c_.world.random.below(c_.voters.size())];
  c_.world.say(voter.name(), [] { return "becomes slow"; });
  voter.set_slowness(c_.world.random_ms(1, 300));
  for_a_while([&voter] { voter.set_slowness(Milliseconds(0)); });
}

void Faults::jump_a_clock() {
  Process& process = anybody();
  c_.world.say(process.name(), [] { return "has its clock set"; });
  process.jump_clock(c_.world.random.between(-86'400'000, 86'400'000));
}

void Faults::wipe_a_cache() {
  WorkerProcess& worker = any_worker();
  c_.world.say(worker.name(), [] { return "loses its cached bundles"; });
  worker.wipe_cache();
}

void Faults::redeploy() { c_.user->redeploy(c_.any_plan()); }

// ---- network ------------------------------------------------------------------------------------

void Faults::kill_broker() {
  if (!c_.network.broker_up()) return;
  c_.world.say("broker", [] { return "dies"; });
  c_.network.crash_broker();
  for_a_while([this] {
    c_.world.say("broker", [] { return "starts"; });
    c_.network.start_broker();
  });
}

void Faults::cut_somebody() { cut(anybody()); }
void Faults::cut_hub() { cut(*c_.hub); }
void Faults::cut_worker() { cut(any_worker()); }

void Faults::cut(Process& process) {
  if (process.frozen()) return;
  const auto way = c_.world.random.below(3);
  c_.world.say(process.name(), [&] {
    return way == 0 ? "cannot send" : way == 1 ? "cannot receive" : "is cut off";
  });
  c_.network.cut(process.name(), way != 1, way != 0, false);
  for_a_while([this, &process] {
    c_.world.say(process.name(), [] { return "is on the network again"; });
    if (!process.frozen()) c_.network.heal(process.name());
  });
}

// ---- the hub's disk -----------------------------------------------------------------------------

void Faults::fill_disk() {
  c_.world.say("disk", [] { return "is full"; });
  c_.world.disk.full = true;
  for_a_while([this] { c_.world.disk.full = false; });
}

void Faults::fail_writes() {
  c_.world.say("disk", [] { return "fails some writes"; });
  c_.world.disk.failing_writes = static_cast<int>(c_.world.random.between(1, 5));
}

void Faults::reach_reserve() {
  c_.world.say("disk", [] { return "is down to its reserve"; });
  const auto before = std::exchange(c_.world.disk_free, 1000);
  for_a_while([this, before] { c_.world.disk_free = before; });
}

void Faults::rot_a_feature_map() {
  std::vector<std::string> keys;
  (void)c_.world.disk.now().scan_keys(hub::kFeatureMaps, [&](std::string_view key) {
    keys.emplace_back(key);
    return true;
  });
  if (keys.empty()) return;
  const std::string& key = keys[c_.world.random.below(keys.size())];
  c_.world.say("disk", [&] { return key + " rots"; });
  const bool gone = c_.world.random.below(3) == 0;
  c_.world.disk.rot(key, gone ? std::nullopt : std::optional(Blob::of(std::string("rotten"))));
  c_.ledger.on_rot(key);
}

// ---- all is well again --------------------------------------------------------------------------

void Faults::heal_process(Process& process, bool stays_away) {
  if (process.frozen()) process.thaw();
  c_.network.heal(process.name());
  if (!process.alive() && !stays_away) process.start();
}

void Faults::heal() {
  World& world = c_.world;
  world.say("heal", [] { return "all is well again"; });
  world.rates = {};
  world.disk.full = false;
  world.disk.failing_writes = 0;
  world.disk_free = std::int64_t{1} << 40U;
  if (!c_.network.broker_up()) c_.network.start_broker();
  c_.hub->crash_at_effect(std::nullopt);
  c_.user->end_jobs();
  // One that is no more needed than the others may be gone for good.
  const bool one_less = c_.can_miss(*c_.workers.back()) && world.random.below(2) == 0;
  if (one_less && c_.workers.back()->alive()) c_.workers.back()->crash();
  for (Process* process : c_.processes()) {
    heal_process(*process, one_less && process == c_.workers.back().get());
  }
  for (const auto& worker : c_.workers) worker->set_slowness(1);
  for (const auto& voter : c_.voters) voter->set_slowness(Milliseconds(0));
  c_.ledger.scrutineer.all_is_well();
}

}  // namespace hyps::sim
