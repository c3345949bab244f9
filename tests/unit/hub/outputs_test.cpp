// Outputs of finished jobs, asked for by a client.
#include <gmock/gmock.h>

#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

using testing::HasSubstr;

class Outputs : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* id : {"w1", "w2"}) w_.add_worker(id, true);
    w_.deploy();
  }
  void run(const std::string& job) {
    w_.infer(job);
    w_.settle();
  }
  // Of the model of these tests.
  [[nodiscard]] std::string output() const { return w_.plan.partitions.back().inputs[0].name; }
  void ask(const std::string& job, const std::string& tensor) {
    w_.values.clear();
    w_.to_client.clear();
    w_.request(protocol::OutputGet{77, JobId(job), tensor});
  }
  std::string refusal() const {
    EXPECT_TRUE(w_.values.empty());
    if (w_.to_client.size() != 1) return "";
    const auto* refused = std::get_if<protocol::Refused>(&w_.to_client[0]);
    if (refused == nullptr || refused->request != 77) return "";
    return refused->kind + ": " + refused->message;
  }

  World w_;
};

TEST_F(Outputs, AreSentAsTheyAreStored) {
  run("job");
  ask("job", output());
  ASSERT_EQ(w_.values.size(), 1U);
  EXPECT_TRUE(w_.to_client.empty());
  const protocol::Arrival& sent = w_.values[0];
  EXPECT_EQ(sent.task.job.text, "job");
  EXPECT_EQ(sent.task.plan, w_.plan.id());
  EXPECT_EQ(sent.tensor, output());
  const auto stored = w_.disk.now().get(feature_map_key(JobId("job"), output()));
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(sent.data, *stored);
}

TEST_F(Outputs, AreAllThatIsSent) {
  run("job");
  for (const char* secret : {"@image", "@answer", "nothing", ""}) {
    ask("job", secret);
    EXPECT_THAT(refusal(), HasSubstr("job job has no output"));
  }
  ask("job", w_.plan.partitions.front().outputs[0].name);
  EXPECT_THAT(refusal(), HasSubstr("has no output"));
}

TEST_F(Outputs, OfNoSuchJobAreRefused) {
  ask("job", output());
  EXPECT_THAT(refusal(), HasSubstr("no job is called 'job'"));
  w_.infer("job");
  ask("job", output());
  EXPECT_THAT(refusal(), HasSubstr("job job is not finished yet"));
}

TEST_F(Outputs, ThatWereCutAreSaidToBe) {
  run("job");
  w_.step(DiskFree{1000, 1LL << 40});  // the reserve is reached: feature maps go
  ask("job", output());
  EXPECT_THAT(refusal(), HasSubstr("not kept any more (the hub's keep_feature_maps"));
}

TEST_F(Outputs, ThatRottedAreNotSent) {
  run("job");
  store::Batch rot;
  rot.puts.emplace_back(feature_map_key(JobId("job"), output()), Blob::copy_of("rotten"));
  ASSERT_TRUE(w_.disk.now().write(rot).ok());
  ask("job", output());
  EXPECT_THAT(refusal(), HasSubstr("is damaged"));
}

}  // namespace
}  // namespace hyps::hub
