// Kills real processes at random times while jobs are under way: 20 times each. HYPS_SEED replays
// the times of a run.
#include <algorithm>
#include <cstdio>
#include <random>

#include "common/base/random.hpp"
#include "ledger.hpp"
#include "tests/support/cluster.hpp"

namespace hyps::test {
namespace {

constexpr int kRounds = 20;
constexpr int kJobsPerRound = 8;
constexpr int kPatience_ms = 60'000;

std::uint64_t seed() {
  const char* given = std::getenv("HYPS_SEED");  // NOLINT(concurrency-mt-unsafe)
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

class Kill : public testing::Test {
 protected:
  void SetUp() override {
    std::printf("HYPS_SEED=%llu\n", static_cast<unsigned long long>(seed_));
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(4));
    const Outcome deployed = cluster_.hyps({"deploy", source("models/shapes.onnx").string()});
    ASSERT_EQ(deployed.code, 0) << deployed.errors;
    expect_horizontal_partitions();
    learn_answers();
  }

  void TearDown() override {
    client_.listen(1500);  // announcements of old answers, if there are any
    for (const auto& [job, expected] : asked_) check_answers(client_, job, expected);
    EXPECT_EQ(figures_.jobs, kRounds * kJobsPerRound);
    EXPECT_GT(caught_, 0) << "no kill came while jobs were under way";
    std::printf(
        "%d kills, %d jobs, %d of them unanswered at a kill, %d partitions taken back, "
        "%d jobs resumed, %d partitions given out again, none of them stored\n",
        kRounds, figures_.jobs, caught_, figures_.recovered, figures_.resumed,
        figures_.started_again);
  }

  // One kill at a random time within a burst of jobs; `restart` makes the cluster whole again.
  void round(int number, const std::function<void()>& kill, const std::function<void()>& restart) {
    std::vector<std::string> jobs;
    for (int i = 0; i < kJobsPerRound; ++i) {
      const std::string job = "r" + std::to_string(number) + "-" + std::to_string(i);
      const Picture& picture = pictures_[random_.below(pictures_.size())];
      asked_[job] = right_[picture.file];
      client_.ask("shapes", job, picture.bytes);
      jobs.push_back(job);
    }
    client_.listen(static_cast<int>(random_.below(static_cast<std::uint64_t>(burst_ms_))));
    caught_ += static_cast<int>(client_.unanswered().size());
    kill();
    client_.listen(static_cast<int>(random_.below(100)));
    restart();
    ASSERT_TRUE(client_.wait_answered(kPatience_ms))
        << *client_.unanswered().begin() << " has no answer; hub:\n"
        << cluster_.log("hub");
    for (const std::string& job : jobs) {
      check_answers(client_, job, asked_[job]);
      check_timeline(client_, job, figures_);
    }
  }
  void rounds(const std::function<void()>& kill, const std::function<void()>& restart) {
    for (int i = 0; i < kRounds && !HasFailure(); ++i) round(i, kill, restart);
  }
  void rounds_of(const std::string& victim) {
    rounds([&] { cluster_.kill(victim); }, [&] { cluster_.start(victim); });
  }
  std::string any_worker() {
    return cluster_.worker_names()[random_.below(cluster_.worker_names().size())];
  }

  const std::uint64_t seed_ = seed();
  Random random_{seed_};
  Cluster cluster_{workers(4)};
  Client client_{cluster_.port()};
  Figures figures_;

 private:
  void expect_horizontal_partitions() {
    int slices = 0;
    const json reply = client_.query("partitions");
    for (const json& row : reply.at("partitions")) {
      slices += row.at("kind") == "horizontal" ? 1 : 0;
    }
    ASSERT_GT(slices, 1) << "the budget should force H-partitions";
  }

  // What each picture's answer is while nothing is killed, and how long a burst takes at least.
  void learn_answers() {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", "before-" + picture.file, picture.bytes);
    }
    ASSERT_TRUE(client_.wait_answered(kPatience_ms));
    for (const Picture& picture : pictures_) {
      const json& answer = client_.answer_of("before-" + picture.file);
      ASSERT_EQ(answer.value("state", ""), "done") << answer;
      right_[picture.file] = {picture.label, answer.at("outputs").at(0).at("digest")};
    }
    for (int i = 0; i < 3; ++i) burst_ms_ = std::min(burst_ms_, time_a_burst(i));
  }
  int time_a_burst(int number) {
    const auto begin = Clock::now();
    for (int i = 0; i < kJobsPerRound; ++i) {
      client_.ask("shapes", "timed" + std::to_string(number) + "-" + std::to_string(i),
                  pictures_[0].bytes);
    }
    EXPECT_TRUE(client_.wait_answered(kPatience_ms));
    return static_cast<int>((Clock::now() - begin) / std::chrono::milliseconds(1)) + 1;
  }

  const std::vector<Picture> pictures_ = shipped_pictures();
  std::map<std::string, Expected> right_;  // by picture
  std::map<std::string, Expected> asked_;  // by job
  int burst_ms_ = kPatience_ms;
  int caught_ = 0;
};

TEST_F(Kill, AWorkerThatComesBack) {
  std::string victim;
  rounds(
      [&] {
        victim = any_worker();
        cluster_.kill(victim);
      },
      [&] { cluster_.start(victim); });
}

TEST_F(Kill, AWorkerThatStaysDeadIsReplaced) {
  for (int i = 0; i < kRounds && !HasFailure(); ++i) {
    const std::string victim = any_worker();
    round(
        i, [&] { cluster_.kill(victim); }, [] {});
    EXPECT_FALSE(cluster_.running(victim));
    cluster_.start(victim);
    ASSERT_TRUE(client_.wait_workers_online(4));
  }
}

TEST_F(Kill, TheHub) { rounds_of("hub"); }

TEST_F(Kill, TheManager) { rounds_of("manager"); }

TEST_F(Kill, TheBroker) { rounds_of("broker"); }

TEST_F(Kill, EverythingAtOnce) {
  std::vector<std::string> names = cluster_.worker_names();
  names.insert(names.end(), {"broker", "hub", "manager"});
  rounds([&] { cluster_.kill_all(); },
         [&] {
           for (std::size_t i = names.size() - 1; i > 0; --i) {
             std::swap(names[i], names[random_.below(i + 1)]);
           }
           for (const std::string& name : names) cluster_.start(name);
         });
}

}  // namespace
}  // namespace hyps::test
