// Verbs that talk to a cluster, and `hyps up`, which is one.
#include "tests/support/shapes_cluster.hpp"
#include "up.hpp"

namespace hyps::test {
namespace {

using testing::HasSubstr;

class Talking : public ShapesCluster {
 protected:
  void SetUp() override { start_and_deploy(); }

  json parsed(const std::vector<std::string>& words) {
    const Outcome outcome = cluster_.hyps(words);
    EXPECT_EQ(outcome.code, 0) << words[0] << ": " << outcome.errors;
    json reply = json::parse(outcome.output, nullptr, false);
    EXPECT_FALSE(reply.is_discarded()) << words[0] << ": " << outcome.output;
    return reply;
  }
};

TEST_F(Talking, EveryListIsATableAndJson) {
  expect_still_answering();
  for (const char* what : {"workers", "models", "jobs", "partitions"}) {
    const json reply = parsed({"get", what, "-o", "json"});
    ASSERT_TRUE(reply.contains(what)) << reply;
    EXPECT_FALSE(reply.at(what).empty()) << what;
    const Outcome table = cluster_.hyps({"get", what});
    EXPECT_EQ(table.code, 0) << table.errors;
    EXPECT_EQ(static_cast<std::size_t>(std::count(table.output.begin(), table.output.end(), '\n')),
              reply.at(what).size() + 1)
        << "a head and a line each:\n"
        << table.output;
  }
  EXPECT_EQ(parsed({"get", "status", "-o", "json"}).at("jobs_done"), 1);
  EXPECT_EQ(cluster_.hyps({"watch"}).code, 0) << "one picture when piped";
}

TEST_F(Talking, OneThingIsDescribedAndAJobHasItsTimeline) {
  expect_still_answering();
  EXPECT_EQ(parsed({"describe", "worker", "w1", "-o", "json"}).at("id"), "w1");
  EXPECT_EQ(parsed({"describe", "model", "shapes", "-o", "json"}).at("state"), "ready");
  EXPECT_EQ(parsed({"describe", "job", "good-0", "-o", "json"}).at("state"), "done");
  const json timeline = parsed({"logs", "good-0", "-o", "json"});
  EXPECT_EQ(timeline.front().at("event"), "accepted");
  EXPECT_EQ(timeline.back().at("event"), "answered");
  EXPECT_THAT(cluster_.hyps({"logs", "good-0"}).output, HasSubstr("stored"));
  const std::string svg = (cluster_.folder() / "plan.svg").string();
  EXPECT_EQ(cluster_.hyps({"describe", "model", "shapes", "--svg", svg}).code, 0);
  EXPECT_THAT(text_of(svg), HasSubstr("</svg>"));
  for (const char* kind : {"worker", "model", "job"}) {
    EXPECT_EQ(cluster_.hyps({"describe", kind, "nobody"}).code, 3) << kind;
  }
  EXPECT_EQ(cluster_.hyps({"logs", "nobody"}).code, 3);
}

TEST_F(Talking, InferAnswersEveryPictureInOrder) {
  std::vector<std::string> words{"infer", "-o", "json"};
  for (const Picture& picture : pictures_) {
    words.push_back(source("models/images/" + picture.file).string());
  }
  const json answers = parsed(words);
  ASSERT_EQ(answers.size(), pictures_.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_THAT(answers[i].at("image").get<std::string>(), HasSubstr(pictures_[i].file));
    EXPECT_EQ(answers[i].at("top").at(0).at("label"), pictures_[i].label);
  }
  const Outcome piped = cluster_.hyps({"infer", source("models/images/star.jpg").string()});
  EXPECT_EQ(piped.errors, "") << "no progress bars when piped";
  EXPECT_THAT(piped.output, HasSubstr("star"));
}

TEST_F(Talking, InferGoesOnWhenTheHubIsKilledMeanwhile) {
  std::vector<std::string> words{"infer", "-o", "json"};
  for (int i = 0; i < 10; ++i) {
    for (const Picture& picture : pictures_) {
      words.push_back(source("models/images/" + picture.file).string());
    }
  }
  words.insert(words.begin(), {"--broker", "127.0.0.1:" + std::to_string(cluster_.port())});
  const auto output = cluster_.folder() / "answers.json";
  Process infer(hyps_command(cluster_.home(), words), output, cluster_.folder() / "errors");
  client_.wait_query("status", "", [](const json& s) { return s.at("jobs_done") > 5; });
  cluster_.kill("hub");
  cluster_.start("hub");
  EXPECT_EQ(infer.wait_ms(120'000), 0) << text_of(cluster_.folder() / "errors");
  const json answers = json::parse(text_of(output), nullptr, false);
  ASSERT_EQ(answers.size(), 10 * pictures_.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].at("top").at(0).at("label"), pictures_[i % pictures_.size()].label);
  }
}

TEST_F(Talking, WithoutAHubItSaysThatNobodyAnswers) {
  cluster_.kill("hub");
  const Outcome outcome = cluster_.hyps({"get", "models"});
  EXPECT_EQ(outcome.code, 5);
  EXPECT_THAT(outcome.errors, HasSubstr("hub"));
}

TEST_F(Up, IsAClusterThatTheOtherVerbsFindAndThatLeavesNothingRunning) {
  start({"--workers", "2", "--open", "1"});
  for (const pid_t pid : pids()) EXPECT_GT(pid, 0);
  EXPECT_EQ(hyps({"deploy", source("models/shapes.onnx").string()}).code, 0);
  const Outcome answer = hyps({"infer", source("models/images/star.jpg").string()});
  EXPECT_EQ(answer.code, 0) << answer.errors;
  EXPECT_THAT(answer.output, HasSubstr("star"));
  const std::vector<pid_t> children = pids();
  EXPECT_EQ(up_.terminate(), 0);
  EXPECT_TRUE(all_gone(children));
  EXPECT_EQ(hyps({"--broker", "127.0.0.1:1", "get", "models"}).code, 5);
}

TEST_F(Up, ItsBrokerIsSetUpAsTheDeployedOne) {
  start({"--workers", "1"});
  const auto settings_of = [](const std::filesystem::path& file) {
    std::set<std::string> settings;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      const bool own = line.starts_with("listener ") || line.starts_with("user ");
      if (!line.empty() && line[0] != '#' && !own) settings.insert(line);
    }
    return settings;
  };
  EXPECT_EQ(settings_of(home_.path() / "up" / "mosquitto.conf"),
            settings_of(source("deploy/mosquitto.conf")));
}

TEST_F(Up, TakesItsChildrenWithItWhenItIsKilled) {
  start({"--workers", "2"});
  const std::vector<pid_t> children = pids();
  up_.kill();
  EXPECT_TRUE(all_gone(children));
}

TEST_F(Up, StartsTheHubAgainAndItsDataIsStillThere) {
  start({"--workers", "2", "--restart-workers"});
  ASSERT_EQ(hyps({"deploy", source("models/shapes.onnx").string()}).code, 0);
  ::kill(pid_of("hub"), SIGKILL);
  ::kill(pid_of("w1"), SIGKILL);
  const Outcome answer = hyps({"infer", source("models/images/ring.jpg").string()});
  EXPECT_EQ(answer.code, 0) << answer.errors;
  EXPECT_THAT(answer.output, HasSubstr("ring"));
  EXPECT_THAT(text_of(log()), HasSubstr("hub is gone"));
}

}  // namespace
}  // namespace hyps::test
