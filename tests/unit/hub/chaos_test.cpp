// Seeded random schedules: messages lost, doubled and out of order, workers and hubs that die,
// disks that fill up and rot; then everything heals, and every accepted job must have its one
// answer.
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/base/random.hpp"
#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

class Chaos {
 public:
  Chaos(std::uint64_t seed, const partition::Replication& replication)
      : random_(seed), w_(config()) {
    partition::replicate(w_.plan, replication);
    for (const char* id : {"w1", "w2"}) w_.add_worker(id, true);
    w_.add_worker("w3", false);
    w_.deploy();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) act();
    heal();
  }

  void expect_every_promise_kept() {
    for (const auto& [job, image] : accepted_) {
      const auto reply = w_.query("job", job);
      ASSERT_TRUE(reply.is_object()) << job << ": " << reply;
      if (reply["state"] == "failed") {
        EXPECT_TRUE(rotted_.contains(job)) << job << " failed: " << reply["error"];
        continue;
      }
      ASSERT_EQ(reply["state"], "done") << job << ": " << reply << w_.query("votes");
      EXPECT_EQ(reply["answer"]["top"], w_.expected_top(image)) << job;
      ASSERT_FALSE(w_.answers(job).empty()) << job;
      for (const auto& answer : w_.answers(job)) {
        if (answer["state"] != "done") continue;
        EXPECT_EQ(answer["top"], reply["answer"]["top"]);
      }
    }
    EXPECT_TRUE(w_.state().jobs.empty());
    for (const auto& [id, worker] : w_.state().workers) EXPECT_TRUE(worker.credits.empty());
  }

 private:
  static Config config() {
    Config c;
    c.keep_feature_maps = 2;
    c.max_losses = c.max_workers_lost = 1'000'000;
    c.max_attempts = 1000;
    return c;
  }

  void act() {
    const auto dice = random_.below(1000);
    if (dice < 700) {
      network();
    } else if (dice < 800) {
      pass_time();
    } else if (dice < 850) {
      accept();
    } else if (dice < 890) {
      die_or_rise();
    } else if (dice < 910) {
      reconnect();
    } else if (dice < 930) {
      w_.disk.full = !w_.disk.full && random_.below(3) == 0;
    } else if (dice < 940) {
      rot();
    } else if (dice < 955) {
      crash();
    } else if (dice < 965 && w_.hub_alive()) {
      w_.route_all();
    }
  }

  void network() {
    if (w_.network.empty()) return;
    const auto at = static_cast<std::ptrdiff_t>(
        random_.below(std::min<std::size_t>(w_.network.size(), random_.below(4) == 0 ? 8 : 1)));
    World::Packet packet = w_.network[static_cast<std::size_t>(at)];
    const auto fate = random_.below(20);
    if (fate != 0) w_.network.erase(w_.network.begin() + at);  // 0: it comes once more
    if (fate != 1) w_.deliver(std::move(packet));              // 1: lost
  }

  void pass_time() {
    w_.advance(static_cast<int>(random_.below(800)));
    w_.beat();
  }

  void accept() {
    if (!w_.hub_alive()) return;
    // Sometimes the same again.
    const auto n = random_.below(5) == 0 && next_ > 0 ? random_.below(next_) : next_++;
    const std::string job = "job" + std::to_string(n);
    w_.infer(job, "image" + std::to_string(n % 5));
    const bool known =
        w_.state().unfinished.contains(JobId(job)) || w_.state().finished.contains(JobId(job));
    if (known) accepted_[job] = "image" + std::to_string(n % 5);
  }

  void die_or_rise() {
    static const std::vector<std::string> kAll = {"w1", "w2", "w3"};
    const std::string& id = kAll[random_.below(3)];
    if (!w_.alive.contains(id)) {
      w_.start_worker(id);
    } else if (random_.below(2) == 0) {
      w_.kill_worker(id);
    } else {
      w_.start_worker(id);  // so fast that nobody saw it die
    }
  }

  void reconnect() {
    w_.step(BusDisconnected{});
    if (random_.below(2) == 0) w_.network.clear();
    w_.step(BusConnected{});
  }

  void crash() {
    if (w_.hub_alive()) {
      w_.crash_hub(random_.below(w_.disk.unsynced() + 1));
    } else {
      w_.start_hub();
    }
  }

  void rot() {
    std::vector<std::string> keys;
    (void)w_.disk.now().scan_keys(kFeatureMaps, [&](std::string_view key) {
      keys.emplace_back(key);
      return true;
    });
    if (keys.empty() || w_.disk.full) return;
    const std::string key = keys[random_.below(keys.size())];
    store::Batch batch;
    batch.puts.emplace_back(key, Blob::copy_of(std::string_view("rotten")));
    (void)w_.disk.write(batch);
    const std::string job = key.substr(2, key.find('/', 2) - 2);
    if (key.ends_with("@image")) rotted_.insert(job);
  }

  void heal() {
    w_.disk.full = false;
    if (!w_.hub_alive()) w_.start_hub();
    for (const char* id : {"w1", "w2", "w3"}) {
      if (!w_.alive.contains(id)) w_.start_worker(id);
    }
    w_.run_dry();
    w_.route_all();
    w_.settle(300'000);
  }

  Random random_;
  World w_;
  std::uint64_t next_ = 0;
  std::map<std::string, std::string> accepted_;  // job → image
  std::set<std::string> rotted_;
};

class HubChaos : public testing::TestWithParam<partition::Replication> {};

TEST_P(HubChaos, EveryAcceptedJobIsAnsweredOnceTheWorldHeals) {
  const char* only = std::getenv("HYPS_SEED");  // NOLINT(concurrency-mt-unsafe)
  const std::uint64_t first = only == nullptr ? 1 : std::strtoull(only, nullptr, 10);
  const std::uint64_t last = only == nullptr ? 40 : first;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("HYPS_SEED=" + std::to_string(seed) + " repeats it");
    Chaos chaos(seed, GetParam());
    chaos.run(1500);
    chaos.expect_every_promise_kept();
    if (HasFailure()) return;
  }
}

using Mode = partition::Replication::Mode;
INSTANTIATE_TEST_SUITE_P(Replication, HubChaos,
                         testing::Values(partition::Replication{},
                                         partition::Replication{Mode::majority, 2, 2},
                                         partition::Replication{Mode::first, 2, 2},
                                         partition::Replication{Mode::standby, 2, 1}),
                         [](const auto& test) {
                           return test.param.replicas == 1 ? "none"
                                                           : partition::to_string(test.param.mode);
                         });

}  // namespace
}  // namespace hyps::hub
