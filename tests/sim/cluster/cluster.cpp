#include "cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "faults.hpp"
#include "model.hpp"
#include "services/hub/keys.hpp"

namespace hyps::sim {

namespace {

constexpr Milliseconds kLiveness{600'000};  // of virtual time, for all that is promised
constexpr Milliseconds kAftermath{20'000};  // until what nobody needs is forgotten
constexpr std::int64_t kKeepFeatureMaps = 2;

}  // namespace

Cluster::Cluster(std::uint64_t seed, bool with_history) : world(seed, with_history) {
  trouble = world.random_ms(8000, 40'000);
  if (world.random.below(3) == 0) world.latency_ms = world.random.between(1, 200);
  if (world.random.below(6) == 0) {
    world.max_queued_messages = static_cast<std::size_t>(world.random.between(20, 200));
  }
  draw_voting();
  hub = std::make_unique<HubProcess>(world, network, ledger, hub_config());
  manager = std::make_unique<ManagerProcess>(world, network, any_plan());
  add_workers();
  const int jobs = static_cast<int>(world.random.between(3, 20));
  user = std::make_unique<UserProcess>(world, network, jobs, trouble);
  network.tap = [this](const bus::Message& message) { ledger.on_broker(message); };
}

// Half of the clusters have replicas. At least a quorum is honest, and fewer than one lie.
void Cluster::draw_voting() {
  const auto kind = world.random.below(8);
  if (kind < 4) return;
  if (kind == 4) voting_ = {2, 2, 0};
  if (kind == 5) voting_ = {3, 2, 0};
  if (kind == 6) voting_ = {3, 2, 1};
  if (kind == 7) voting_ = {5, 3, world.random.between(1, 2)};
  const auto count = world.random.between(1, 2);
  for (std::int64_t i = 0; i < count; ++i) {
    voters.push_back(std::make_unique<VoterProcess>(world, network, fmt::format("v{}", i + 1)));
  }
}

std::size_t Cluster::any_plan() {
  using Mode = partition::Replication::Mode;
  partition::Replication replication;
  if (voting_.replicas > 1) {
    const auto kind = world.random.below(8);
    if (kind < 4) replication = {Mode::majority, voting_.replicas, voting_.quorum};
    if (kind == 4 || kind == 5) replication = {Mode::first, voting_.replicas, voting_.quorum};
    if (kind == 6) replication = {Mode::standby, 2, 1};
  }
  return plan_index(world.random.below(kShapes), replication);
}

hub::Config Cluster::hub_config() {
  hub::Config config;
  config.keep_feature_maps = kKeepFeatureMaps;
  config.jobs_in_flight = world.random.between(1, 4);
  config.worker_credits = world.random.between(1, 3);
  // All feature maps here are small: whether more are under way for that is drawn.
  if (world.random.below(2) == 0) config.bytes_in_flight = 0;
  config.worker_ahead_ms = world.random.below(2) == 0 ? 0 : 400;
  config.max_timeline_events = world.random.below(2) == 0 ? 12 : 500;
  // So that a job that fails has failed for a reason the simulation knows.
  config.max_attempts = 1000;
  config.max_losses = config.max_workers_lost = 1'000'000;
  if (voting_.replicas > 1 && voting_.liars == 0 && world.random.below(3) == 0) {
    config.trust_after = world.random.between(1, 5);
  }
  if (world.random.below(2) == 0) config.share_inputs_above = 0;
  return config;
}

void Cluster::add_workers() {
  const auto least = std::max<std::int64_t>(voting_.quorum, 2);
  const auto honest = world.random.between(least, voting_.replicas > 1 ? least + 1 : 5);
  const bool mixed = voting_.replicas > 1 && world.random.below(2) == 0;
  const auto liars_from = static_cast<std::int64_t>(world.random.below(2)) * honest;
  for (std::int64_t i = 0; i < honest + voting_.liars; ++i) {
    const bool lies = i >= liars_from && i < liars_from + voting_.liars;
    add_worker(!lies, mixed);
  }
}

void Cluster::add_worker(bool honest, bool mixed) {
  WorkerSetup setup;
  setup.id = fmt::format("w{}", workers.size() + 1);
  const bool needed = voting_.replicas > 1 || workers.size() < 2;
  setup.safe = needed || world.random.below(2) == 0;
  // From one partition at a time to all of them at once.
  setup.memory_bytes = static_cast<std::uint64_t>(world.random.between(1000, 7000));
  setup.buffer_bytes = static_cast<std::size_t>(world.random.between(4000, 100'000));
  if (mixed) setup.arithmetic = static_cast<int>(world.random.below(2));
  if (!honest) setup.lies = world.random.below(2) == 0 ? 100 : 30;
  setup.may_flip = voting_.replicas == 1;
  workers.push_back(std::make_unique<WorkerProcess>(world, network, setup));
  ledger.scrutineer.add_worker(setup);
}

bool Cluster::can_miss(const WorkerProcess& worker) const {
  const auto honest = std::count_if(workers.begin(), workers.end(), [&](const auto& other) {
    return other.get() != &worker && other->setup().lies == 0;
  });
  return workers.size() > 2 && honest >= voting_.quorum;
}

std::vector<Process*> Cluster::processes() {
  std::vector<Process*> all{hub.get(), manager.get()};
  for (const auto& worker : workers) all.push_back(worker.get());
  for (const auto& voter : voters) all.push_back(voter.get());
  all.push_back(user.get());
  return all;
}

void Cluster::start() {
  for (Process* process : processes()) process->start();
}

void Cluster::run_until(Milliseconds time) {
  bool over = false;
  world.clock.at(time, [&] { over = true; });
  while (!over && world.violation.empty() && world.clock.run_next()) {
  }
}

std::string Cluster::missing() const {
  if (std::string text = ledger.missing(); !text.empty()) return text;
  if (std::string text = user->missing(); !text.empty()) return text;
  if (!hub->state().jobs.empty()) return "the hub has unfinished jobs";
  if (!hub->state().unannounced.empty()) return "the hub has answers to announce";
  return {};
}

void Cluster::run_until_settled(Milliseconds limit) {
  const Milliseconds end = world.clock.now() + limit;
  while (world.violation.empty()) {
    const std::string text = missing();
    if (text.empty()) return;
    if (world.clock.now() >= end) return world.violate("all is well again, but " + text);
    run_until(world.clock.now() + Milliseconds(500));
  }
}

void Cluster::check_leftovers() {
  for (const auto& [id, worker] : hub->state().workers) {
    if (!worker.credits.empty()) world.violate("credit of " + id.text + " is never given back");
  }
  for (const auto& worker : workers) {
    if (worker->alive() && worker->held_bytes() > 0) {
      world.violate(
          fmt::format("{} keeps {} bytes that nobody wants", worker->name(), worker->held_bytes()));
    }
  }
  if (const auto text = ledger.scrutineer.unnamed(hub->state()); !text.empty()) {
    world.violate(text);
  }
  check_kept_feature_maps();
}

void Cluster::check_kept_feature_maps() {
  const auto& finished = hub->state().finished;
  std::set<std::string> jobs;
  (void)world.disk.now().scan_keys(hub::kFeatureMaps, [&](std::string_view key) {
    const std::string job(key.substr(2, key.find('/', 2) - 2));
    const auto known = finished.find(JobId(job));
    const bool failed =
        known != finished.end() && known->second.summary.state == hub::JobState::failed;
    if (!failed) jobs.insert(job);
    if (failed && !key.ends_with(partition::kImageTensor)) {
      world.violate("more than the input is kept of job " + job + ", which failed");
    }
    return true;
  });
  if (jobs.size() > kKeepFeatureMaps) {
    world.violate(fmt::format("feature maps of {} finished jobs are kept, not of {}", jobs.size(),
                              kKeepFeatureMaps));
  }
}

Outcome simulate(std::uint64_t seed, bool with_history) {
  Cluster cluster(seed, with_history);
  World& world = cluster.world;
  Faults faults(cluster);
  cluster.start();
  faults.begin();
  Milliseconds recovery{0};
  cluster.run_until(cluster.trouble);
  if (world.violation.empty()) {
    faults.heal();
    cluster.run_until_settled(kLiveness);
    recovery = world.clock.now() - cluster.trouble;
    cluster.run_until(world.clock.now() + kAftermath);
  }
  if (world.violation.empty()) cluster.check_leftovers();
  Outcome outcome{world.violation, world.history.lines()};
  outcome.recovery = recovery;
  for (const auto& [id, job] : cluster.ledger.jobs()) {
    outcome.accepted += job.accepted ? 1 : 0;
    outcome.answered += job.answer.empty() ? 0 : 1;
  }
  return outcome;
}

}  // namespace hyps::sim
