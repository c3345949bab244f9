// What all scenarios share: a cluster, jobs whose answers are known, and the look at them
// afterwards.
#pragma once

#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {

class Scenario : public ShapesCluster {
 protected:
  explicit Scenario(int count = 3, const std::string& broker_at = "127.0.0.1")
      : ShapesCluster(workers(count), {}, broker_at) {}

  void ask_many(int count) {
    for (int i = 0; i < count; ++i) {
      const Picture& picture = pictures_[labels_.size() % pictures_.size()];
      const std::string job = "job" + std::to_string(labels_.size());
      labels_[job] = picture.label;
      client_.ask("shapes", job, picture.bytes);
    }
  }
  // Jobs keep coming for so long.
  void ask_for(int ms) {
    const auto end = Clock::now() + std::chrono::milliseconds(ms);
    while (Clock::now() < end) {
      ask_many(1);
      client_.listen(100);
    }
  }
  // Nobody restarted it.
  void expect_takes_jobs_again() {
    EXPECT_TRUE(cluster_.running("hub"));
    std::string state = "refused";
    for (int tries = 0; tries < 100 && state == "refused"; ++tries) {
      const std::string job = "try" + std::to_string(tries);
      client_.ask("shapes", job, pictures_[0].bytes);
      ASSERT_TRUE(client_.wait_answered(90'000)) << cluster_.log("hub");
      state = client_.answer_of(job).value("state", "");
      if (state == "refused") client_.listen(200);
    }
    EXPECT_EQ(state, "done");
  }
  // What was refused, and so never accepted, is asked once more.
  void ask_refused_again() {
    ASSERT_TRUE(client_.wait_answered(90'000)) << cluster_.log("hub");
    for (const auto& [job, label] : labels_) {
      if (client_.answer_of(job).value("state", "") != "refused") continue;
      const auto number = std::stoul(job.substr(std::string("job").size()));
      client_.forget(job);
      client_.ask("shapes", job, pictures_[number % pictures_.size()].bytes);
    }
  }
  // Every job has one answer, and it is the right one, or, where that is no breach, a failure that
  // says why.
  void expect_all_answered(bool may_fail = false) {
    ASSERT_TRUE(client_.wait_answered(90'000))
        << *client_.unanswered().begin() << " has no answer; hub:\n"
        << cluster_.log("hub");
    client_.listen(1200);  // what is announced again
    for (const auto& [job, label] : labels_) {
      const auto& answers = client_.answers().at(job);
      const json& first = answers.front().body;
      if (may_fail && first.value("state", "") == "failed") {
        EXPECT_NE(first.value("error", ""), "") << job;
      } else {
        EXPECT_EQ(label_of(job), label) << job;
      }
      for (const Answer& answer : answers) {
        EXPECT_EQ(answer.body.value("state", ""), first.value("state", "")) << answer.text;
        EXPECT_EQ(answer.body.value("outputs", json()), first.value("outputs", json())) << job;
      }
    }
  }

  std::map<std::string, std::string> labels_;  // by job
};

}  // namespace hyps::test
