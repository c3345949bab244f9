// Steady load while something random is killed every second. HYPS_SOAK_SECONDS says how long,
// HYPS_SEED repeats what is killed when.
#include <cstdio>
#include <random>

#include "common/base/random.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

constexpr int kJobEvery_ms = 100;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

class Soak : public ShapesCluster {
 protected:
  Soak() : ShapesCluster(workers(4), {"keep_finished_jobs=100000"}) {
    victims_ = cluster_.worker_names();
    victims_.insert(victims_.end(), {"hub", "manager", "broker"});
  }

  void ask() {
    const Picture& picture = pictures_[random_.below(pictures_.size())];
    const std::string job = "soak" + std::to_string(labels_.size());
    labels_[job] = picture.label;
    client_.ask("shapes", job, picture.bytes);
  }
  // Who was killed a second ago is there again; somebody else is not.
  void kill_somebody() {
    revive();
    dead_ = victims_[random_.below(victims_.size())];
    cluster_.kill(dead_);
    ++kills_;
  }
  void revive() {
    if (!dead_.empty()) cluster_.start(dead_);
    dead_.clear();
  }
  // One answer a job, however often it is announced; and the right one.
  void compare() {
    int lost = 0;
    int doubled = 0;
    int wrong = 0;
    for (const auto& [job, label] : labels_) {
      const auto found = client_.answers().find(job);
      if (found == client_.answers().end()) {
        ++lost;
        continue;
      }
      for (const Answer& answer : found->second) {
        if (answer.text != found->second.front().text) ++doubled;
      }
      if (label_of(job) != label) {
        ++wrong;
        std::printf("%s: %s instead of %s\n", job.c_str(), label_of(job).c_str(), label.c_str());
      }
    }
    std::printf("%d kills, %zu jobs accepted: %d lost, %d doubled, %d wrong\n", kills_,
                labels_.size(), lost, doubled, wrong);
    EXPECT_EQ(lost + doubled + wrong, 0);
  }

  const std::uint64_t seed_ = number_from("HYPS_SEED", std::random_device()());
  Random random_{seed_};
  std::vector<std::string> victims_;
  std::string dead_;
  int kills_ = 0;
  std::map<std::string, std::string> labels_;  // by job
};

TEST_F(Soak, NothingIsLostDoubledOrWrong) {
  std::printf("HYPS_SEED=%llu\n", static_cast<unsigned long long>(seed_));
  start_and_deploy();
  const auto seconds = number_from("HYPS_SOAK_SECONDS", 120);
  const auto begin = Clock::now();
  auto next_kill = begin;
  while (Clock::now() - begin < std::chrono::seconds(seconds)) {
    ask();
    client_.listen(kJobEvery_ms);
    if (Clock::now() < next_kill) continue;
    next_kill = Clock::now() + std::chrono::seconds(1);
    kill_somebody();
  }
  revive();
  EXPECT_TRUE(client_.wait_answered(120'000))
      << client_.unanswered().size() << " jobs have no answer; hub:\n"
      << cluster_.log("hub");
  client_.listen(1500);
  compare();
}

}  // namespace
}  // namespace hyps::test
