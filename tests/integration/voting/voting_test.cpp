// Promise: a lying replica never changes an answer while a quorum is honest, and is named.
#include "lying_worker.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

struct Kind {
  const char* name;
  std::function<Lie()> make;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class Liar : public ShapesCluster, public testing::WithParamInterface<Kind> {
 protected:
  // The liar is of the open zone: what is trusted stays with the others.
  Liar() : ShapesCluster(workers(3, "8M")) {}

  void expect_named(const char* liar) {
    const json votes = client_.query("votes");
    EXPECT_FALSE(votes.at("verdicts").empty());
    for (const json& worker : votes.at("workers")) {
      const bool is_liar = worker.at("worker") == liar;
      EXPECT_EQ(worker.at("lies").get<int>() > 0, is_liar) << worker;
      EXPECT_EQ(worker.at("quarantined"), is_liar) << worker;
    }
    for (const json& verdict : votes.at("verdicts")) {
      const json& agree = verdict.at("agree");
      EXPECT_EQ(std::count(agree.begin(), agree.end(), liar), 0) << verdict;
      // While one of the honest is late, the other and the liar are split: a round that names
      // nobody, and is held again.
      const bool is_split = agree.empty() && verdict.at("differ").empty();
      EXPECT_TRUE(is_split || agree.size() >= 2) << verdict;
    }
  }
};

TEST_P(Liar, ChangesNoAnswerAndIsNamed) {
  cluster_.start_all();
  const LyingWorker liar(cluster_, "liar", GetParam().make());
  ASSERT_TRUE(client_.wait_workers_online(4));
  deploy({"--replicas", "3", "--memory", "6M"});
  for (int round = 0; round < 2; ++round) {
    for (const Picture& picture : pictures_) {
      client_.ask("shapes", std::to_string(round) + picture.file, picture.bytes);
    }
  }
  ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  for (int round = 0; round < 2; ++round) {
    for (const Picture& picture : pictures_) {
      EXPECT_EQ(label_of(std::to_string(round) + picture.file), picture.label);
    }
  }
  expect_named("liar");
}

INSTANTIATE_TEST_SUITE_P(Lies, Liar,
                         testing::Values(Kind{"WrongValues", [] { return Lie(wrong_values); }},
                                         Kind{"NotANumber", [] { return Lie(not_a_number); }},
                                         Kind{"OneUlpOff", [] { return Lie(one_ulp_off); }},
                                         Kind{"StaleResult", [] { return stale_result(); }}),
                         [](const auto& test) { return test.param.name; });

class Replicas : public ShapesCluster {
 protected:
  Replicas() : ShapesCluster(workers(3, "8M")) {}
};

TEST_F(Replicas, OutliveTheVoterAndOneOfThem) {
  cluster_.start_all();
  ASSERT_TRUE(client_.wait_workers_online(3));
  deploy({"--replicas", "3"});
  cluster_.kill("voter");
  for (const Picture& picture : pictures_) client_.ask("shapes", picture.file, picture.bytes);
  ASSERT_TRUE(client_.wait_query("status", "", [](const json& status) {
    return status.value("votes_open", 0) > 0 && status.value("voters", 1) == 0;
  }));
  cluster_.start("voter");
  cluster_.kill("w3");
  ASSERT_TRUE(client_.wait_answered(60'000)) << cluster_.log("hub");
  for (const Picture& picture : pictures_) {
    EXPECT_EQ(label_of(picture.file), picture.label);
    EXPECT_GT(client_.answer_of(picture.file).value("votes", 0), 0);
  }
}

}  // namespace
}  // namespace hyps::test
