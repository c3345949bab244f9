// Bytes on topics that are not for them: counted, logged at a bounded rate, dropped.
#include "common/base/random.hpp"
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

class Strangers : public ShapesCluster {
 protected:
  void SetUp() override { start_and_deploy(); }

  std::int64_t dropped() { return client_.query("status").at("dropped_frames"); }
  void publish(const std::string& topic, const Blob& payload, bool retained = false) {
    client_.publish({.topic = topic, .payload = payload, .retained = retained});
  }
  int lines_of(const std::string& service, const std::string& event) const {
    std::istringstream log(cluster_.log(service));
    int count = 0;
    for (std::string line; std::getline(log, line);)
      count += line.find(event) != std::string::npos ? 1 : 0;
    return count;
  }
};

TEST_F(Strangers, GarbageForTheHubIsCountedAndDropped) {
  const std::int64_t before = dropped();
  const protocol::Message heartbeat = protocol::Heartbeat{};
  const Blob good = protocol::encode(heartbeat);
  Random random(7);
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    std::string bytes(good.text());
    bytes[random.below(bytes.size())] ^= static_cast<char>(1U << random.below(8));
    publish("hyps/w/w1/out", Blob::of(bytes));
    publish("hyps/w/x/out", Blob::of(std::string(i, 'x')));
    publish("hyps/m/manager/out", good.slice(0, good.size() / 2));
    publish("hyps/c/somebody/out", Blob());
    sent += 4;
  }
  EXPECT_EQ(dropped(), before + sent);
  expect_still_answering();
}

TEST_F(Strangers, AFloodOfGarbageIsLoggedAtABoundedRate) {
  constexpr int kFrames = 3000;
  const std::int64_t before = dropped();
  const auto begin = Clock::now();
  for (int i = 0; i < kFrames; ++i) publish("hyps/w/x/out", Blob::copy_of("garbage"));
  EXPECT_TRUE(client_.wait_query("status", "", [&](const json& status) {
    return status.at("dropped_frames") >= before + kFrames;
  }));
  const auto seconds = (Clock::now() - begin) / std::chrono::seconds(1) + 2;
  EXPECT_LE(lines_of("hub", "frame.dropped"), 20 * seconds) << "20 a second are allowed";
  EXPECT_GT(lines_of("hub", "frame.dropped"), 0);
  expect_still_answering();
}

TEST_F(Strangers, MessagesOfTheWrongRoleChangeNothing) {
  const std::int64_t before = dropped();
  const PlanId plan(client_.query("model", "shapes").at("plan").get<std::string>());
  const protocol::TaskKey task{JobId("j"), plan, PartitionName("ingest")};
  // A client is neither manager nor worker.
  client_.send(protocol::SetRoutes{plan, {}, "nothing runs any more"});
  client_.send(protocol::ModelFailed{ModelName("shapes"), {}, true, "it was me"});
  client_.send(protocol::ManagerHello{"me"});
  client_.send(protocol::TaskDone{task, 1, {}, 0, 0, {}});
  client_.send(protocol::Chunk{1, task, 1, "t", 0, 4, Blob::copy_of("1234")});
  client_.send(protocol::Hello{});
  client_.send(protocol::Run{task, 1, {}});
  EXPECT_EQ(dropped(), before + 7);
  EXPECT_EQ(client_.query("model", "shapes").at("state"), "ready");
  expect_still_answering();
}

TEST_F(Strangers, AWorkerNobodyKnowsCannotAnswerForAnother) {
  const PlanId plan(client_.query("model", "shapes").at("plan").get<std::string>());
  client_.ask("shapes", "mine", picture("star.jpg").bytes);
  const protocol::TaskKey task{JobId("mine"), plan, PartitionName("report")};
  const Blob lie = Blob::copy_of(R"({"top":[{"id":1,"label":"lie","score":1}]})");
  for (const char* worker : {"hyps/w/x/out", "hyps/w/w1/out"}) {
    publish(worker, protocol::encode(protocol::TaskDone{
                        task, 999, {{"@answer", lie.size(), digest_of(lie.bytes())}}, 1, 1, {}}));
    publish(worker, protocol::encode(protocol::Chunk{1, task, 999, "@answer", 0, lie.size(), lie}));
  }
  ASSERT_TRUE(client_.wait_answered(20'000));
  EXPECT_EQ(label_of("mine"), "star");
  expect_still_answering();
}

TEST_F(Strangers, WrongTopicsDoNothing) {
  const Blob image = picture("star.jpg").bytes;
  const std::int64_t jobs = static_cast<std::int64_t>(client_.query("jobs").at("jobs").size());
  for (const char* topic : {"hyps/shapes/inputs", "hyps/shapes/input/more", "hyps/input",
                            "hyps/shapes", "shapes/input", "hyps//input"}) {
    publish(topic, image);
  }
  expect_still_answering();
  EXPECT_EQ(static_cast<std::int64_t>(client_.query("jobs").at("jobs").size()), jobs + 1);
}

TEST_F(Strangers, ARetainedInputIsNotTakenAgainAtEachConnection) {
  const auto jobs = [&] { return client_.query("jobs").at("jobs").size(); };
  publish("hyps/shapes/input", picture("star.jpg").bytes, true);
  EXPECT_TRUE(client_.wait_query("status", "",
                                 [](const json& status) { return status.at("jobs_done") == 1; }));
  for (int i = 0; i < 2; ++i) {
    cluster_.kill("hub");
    cluster_.start("hub");
    expect_still_answering();
  }
  EXPECT_EQ(jobs(), 3U);
}

TEST_F(Strangers, GarbageForWorkersAndManagerIsDropped) {
  const std::string noise(1000, '\x5a');
  for (const char* topic : {"hyps/w/w1/in", "hyps/w/w2/in", "hyps/m/manager/in"}) {
    for (int i = 0; i < 50; ++i) publish(topic, Blob::of(noise.substr(0, i * 20)));
  }
  // Well-formed, and nonsense for whom it is sent to.
  for (const char* topic : {"hyps/w/w1/in", "hyps/m/manager/in"}) {
    publish(topic, protocol::encode(protocol::Query{1, "status", ""}));
    publish(topic, protocol::encode(protocol::Assign{12345, {}}));
  }
  publish("hyps/hub/hub/status", Blob::copy_of("nonsense"));
  publish("hyps/worker/nobody/status", Blob::copy_of("online"));
  expect_still_answering();
  for (const std::string& worker : cluster_.worker_names()) EXPECT_TRUE(cluster_.running(worker));
}

}  // namespace
}  // namespace hyps::test
