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

TEST_F(Talking, ARefusedOrFailedPictureHasItsJobNamed) {
  const auto bad = cluster_.folder() / "text.jpg";
  std::ofstream(bad) << "no picture";
  const Outcome json_form = cluster_.hyps({"infer", bad.string(), "-o", "json"});
  EXPECT_EQ(json_form.code, 1);
  const json answers = json::parse(json_form.output, nullptr, false);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].value("job", "").size(), 16U) << answers;
  const Outcome table = cluster_.hyps({"infer", bad.string()});
  EXPECT_THAT(table.output, testing::ContainsRegex("failed +[0-9a-f]{16} "));
}

TEST_F(Talking, AnUnansweredPictureHasItsJobNamed) {
  cluster_.pause("w1");
  cluster_.pause("w2");
  const Outcome table =
      cluster_.hyps({"infer", source("models/images/star.jpg").string(), "--timeout", "1"});
  cluster_.resume("w1");
  cluster_.resume("w2");
  EXPECT_EQ(table.code, 5);
  EXPECT_THAT(table.output, testing::ContainsRegex("unanswered +[0-9a-f]{16} +no answer for 1 s"));
}

TEST_F(Talking, AModelThatIsNotThereIsNotFound) {
  const std::string star = source("models/images/star.jpg").string();
  EXPECT_EQ(cluster_.hyps({"infer", star, "--model", "nope"}).code, 3);
  EXPECT_EQ(cluster_.hyps({"get", "partitions", "--model", "nope"}).code, 3);
  EXPECT_EQ(cluster_.hyps({"get", "jobs", "--model", "nope"}).code, 3);
  EXPECT_EQ(cluster_.hyps({"get", "jobs", "--model", "shapes"}).code, 0) << "empty, but there";
}

TEST_F(Talking, WhatIsDescribedHasNoRawJson) {
  expect_still_answering();
  for (const auto& [kind, name] :
       std::vector<std::pair<std::string, std::string>>{{"model", "shapes"}, {"job", "good-0"}}) {
    const std::string text = cluster_.hyps({"describe", kind, name}).output;
    EXPECT_THAT(text, testing::Not(HasSubstr("{"))) << kind;
    EXPECT_THAT(text, testing::Not(HasSubstr("unix_ms"))) << kind;
  }
}

TEST(Login, ThatIsRefusedIsToldAsSuch) {
  Mosquitto broker("allow_anonymous false");
  broker.start();
  const TemporaryFolder home("hyps-login");
  const Outcome outcome = run_program(hyps_command(
      home.path(), {"--broker", "127.0.0.1:" + std::to_string(broker.port()), "get", "models"}));
  EXPECT_EQ(outcome.code, 5);
  EXPECT_THAT(outcome.errors, HasSubstr("refuses this user name or password"));
  EXPECT_THAT(outcome.errors, HasSubstr("HYPS_BROKER_PASSWORD"));
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

TEST_F(Up, RefusesAPortThatIsTaken) {
  Mosquitto stranger;
  stranger.start();
  const Outcome outcome = hyps({"up", "--workers", "1", "--port", std::to_string(stranger.port())});
  EXPECT_EQ(outcome.code, 7);
  EXPECT_THAT(outcome.errors, HasSubstr("is taken by another program: leave --port out"));
}

TEST_F(Up, ShowsTheLogOfWhoDoesNotStart) {
  const Outcome passing = hyps({"up", "--workers", "1", "--memory", "1"});
  EXPECT_EQ(passing.code, 4);
  EXPECT_THAT(passing.errors, HasSubstr("w1 does not start (exit code 2); its log ends:"));
  EXPECT_THAT(passing.errors, HasSubstr("1 B are too few"));
  const std::string folder = (home_.path() / "kept").string();
  const Outcome kept = hyps({"up", "--workers", "1", "--memory", "1", "--dir", folder});
  EXPECT_THAT(kept.errors, HasSubstr(folder + "/logs/w1.log"));
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
