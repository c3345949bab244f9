#include "cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "faults.hpp"
#include "services/hub/keys.hpp"

namespace hyps::sim {

namespace {

constexpr Milliseconds kLiveness{150'000};  // of virtual time, for all that is promised
constexpr Milliseconds kAftermath{20'000};  // until what nobody needs is forgotten
constexpr std::int64_t kKeepFeatureMaps = 2;

}  // namespace

Cluster::Cluster(std::uint64_t seed, bool with_history) : world(seed, with_history) {
  trouble = world.random_ms(8000, 40'000);
  if (world.random.below(3) == 0) world.latency_ms = world.random.between(1, 200);
  if (world.random.below(6) == 0) {
    world.max_queued_messages = static_cast<std::size_t>(world.random.between(20, 200));
  }
  hub = std::make_unique<HubProcess>(world, network, ledger, hub_config());
  manager = std::make_unique<ManagerProcess>(world, network, world.random.below(3));
  add_workers();
  const int jobs = static_cast<int>(world.random.between(3, 20));
  user = std::make_unique<UserProcess>(world, network, jobs, trouble);
  network.tap = [this](const bus::Message& message) { ledger.on_broker(message); };
}

hub::Config Cluster::hub_config() {
  hub::Config config;
  config.keep_feature_maps = kKeepFeatureMaps;
  config.jobs_in_flight = world.random.between(1, 4);
  config.worker_credits = world.random.between(1, 3);
  config.max_timeline_events = world.random.below(2) == 0 ? 12 : 500;
  // So that a job that fails has failed for a reason the simulation knows.
  config.max_attempts = 1000;
  config.max_losses = config.max_workers_lost = 1'000'000;
  return config;
}

void Cluster::add_workers() {
  const auto count = world.random.between(2, 5);
  for (std::int64_t i = 0; i < count; ++i) {
    WorkerSetup setup;
    setup.id = fmt::format("w{}", i + 1);
    setup.safe = i < 2 || world.random.below(2) == 0;
    // From one partition at a time to all of them at once.
    setup.memory_bytes = static_cast<std::uint64_t>(world.random.between(1000, 7000));
    setup.buffer_bytes = static_cast<std::size_t>(world.random.between(4000, 100'000));
    workers.push_back(std::make_unique<WorkerProcess>(world, network, setup));
  }
}

std::vector<Process*> Cluster::processes() {
  std::vector<Process*> all{hub.get(), manager.get()};
  for (const auto& worker : workers) all.push_back(worker.get());
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
    if (!worker.tasks.empty()) world.violate("credit of " + id.text + " is never given back");
  }
  for (const auto& worker : workers) {
    if (worker->alive() && worker->held_bytes() > 0) {
      world.violate(
          fmt::format("{} keeps {} bytes that nobody wants", worker->name(), worker->held_bytes()));
    }
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
