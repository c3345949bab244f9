// What all measurements share: a cluster under load, and a look at what happens in it, as it
// happens. Nothing here is asserted about time: times are printed.
#pragma once

#include <cmath>
#include <random>

#include "common/base/random.hpp"
#include "tests/support/shapes_cluster.hpp"
#include "times.hpp"

namespace hyps::test {

class Recovery : public ShapesCluster {
 protected:
  static constexpr std::size_t kOpenJobs = 3;
  static constexpr int kPatience_ms = 60'000;

  using ShapesCluster::ShapesCluster;

  void TearDown() override {
    if (labels_.empty()) return;
    EXPECT_TRUE(client_.wait_answered(kPatience_ms)) << cluster_.log("hub");
    for (const auto& [job, label] : labels_) EXPECT_EQ(label_of(job), label) << job;
  }

  // Jobs keep coming, some open at any time, until it holds.
  bool work_until(const std::function<bool()>& until, int timeout_ms = kPatience_ms) {
    return client_.pump(
        [&] {
          take_events();
          keep_asking();
          return until();
        },
        timeout_ms);
  }
  void work_for(int ms) {
    work_until([] { return false; }, ms);
  }

  static double ms_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  }
  // Not always at the same moment of a job.
  int random_ms(int from, int to) {
    return from + static_cast<int>(random_.below(static_cast<std::uint64_t>(to - from)));
  }

  // Each partition is loaded by as many workers as it should be.
  bool wait_loaded(int timeout_ms = kPatience_ms) {
    return client_.wait_query(
        "partitions", "",
        [](const json& reply) {
          std::map<std::string, int> missing;
          for (const json& row : reply.at("partitions")) {
            int& copies =
                missing.emplace(row.at("partition"), row.value("replicas", 1)).first->second;
            copies -= row.at("state") == "loaded" ? 1 : 0;
          }
          return !missing.empty() && std::all_of(missing.begin(), missing.end(),
                                                 [](const auto& m) { return m.second <= 0; });
        },
        timeout_ms);
  }

  // By partition: who computed it last.
  std::map<std::string, std::string> computed_by_;
  std::size_t answers_ = 0;
  Random random_{std::random_device()()};

 private:
  void keep_asking() {
    while (client_.open_jobs() < kOpenJobs) {
      const Picture& picture = pictures_[labels_.size() % pictures_.size()];
      const std::string job = "job" + std::to_string(labels_.size());
      labels_[job] = picture.label;
      client_.ask("shapes", job, picture.bytes);
    }
  }
  void take_events() {
    for (const json& event : client_.take_events()) {
      const std::string what = event.value("event", "");
      if (what == "stored") computed_by_[event.at("partition")] = event.value("worker", "");
      if (what == "answered") ++answers_;
    }
  }

  std::map<std::string, std::string> labels_;  // by job
};

}  // namespace hyps::test
