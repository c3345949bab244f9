// Stored files that are damaged: noticed at a read or by scrubbing, told, and healed by whoever has
// the bytes. Jobs wait for that, and none is lost.
#include "services/hub/rot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/hub/files.hpp"
#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

using protocol::FileRef;
using testing::HasSubstr;

constexpr std::size_t kBundleBytes = protocol::kPartBytes + 10;  // two parts

class HubRot : public testing::Test {
 protected:
  explicit HubRot(Config config = Config()) : w(std::move(config)) {
    w.add_worker("w1", true);
    w.deploy();
    for (const auto& partition : w.plan.partitions) {
      const std::string bytes(kBundleBytes, partition.name.text.back());
      bundles.push_back({partition.name, {upload("model.onnx", bytes + partition.name.text)}});
    }
    w.from_manager(
        protocol::SetPlan{ModelName("net"), model_files(), partition::to_json(w.plan), bundles});
    w.run_dry();
  }

  FileRef upload(const std::string& name, const std::string& content) {
    const FileRef file{name, content.size(), digest_of(std::string_view(content))};
    contents[file.digest] = content;
    put(file);
    return file;
  }
  void put(const FileRef& file) {
    const std::string& content = contents.at(file.digest);
    for (std::size_t offset = 0; offset < content.size(); offset += protocol::kPartBytes) {
      w.request(protocol::PartPut{file.digest, file.bytes, offset,
                                  Blob::copy_of(content.substr(offset, protocol::kPartBytes))});
    }
  }
  std::vector<FileRef> model_files() { return w.state().models.at(ModelName("net")).files; }
  const FileRef& file_of(const std::string& partition) {
    for (const auto& bundle : bundles) {
      if (bundle.partition.text == partition) return bundle.files[0];
    }
    throw std::runtime_error(partition);
  }
  // The disk gives an error for a part, or other bytes.
  void lose_part(const FileRef& file, std::uint64_t offset) {
    w.disk.rot(file_part_key(file.digest, offset), std::nullopt);
  }
  std::string problem() { return w.query("model", "net")["problem"]; }
  const protocol::Damaged* told_managers() {
    w.advance(100);
    for (auto message = w.to_manager.rbegin(); message != w.to_manager.rend(); ++message) {
      if (const auto* damaged = std::get_if<protocol::Damaged>(&*message)) return damaged;
    }
    return nullptr;
  }
  void scrub_all() {
    for (int i = 0; i < 40; ++i) w.advance(1000);
  }

  std::vector<protocol::BundleRef> bundles;
  std::map<Digest, std::string> contents;
  World w;
};

TEST_F(HubRot, APartThatCannotBeReadMakesItsFileMissing) {
  lose_part(file_of("v01"), protocol::kPartBytes);
  w.network.clear();
  w.from_worker("w1", protocol::PartGet{file_of("v01").digest, protocol::kPartBytes});
  ASSERT_EQ(w.network.size(), 1U);
  EXPECT_NE(std::get_if<protocol::Refused>(&*w.network[0].message), nullptr);
  EXPECT_FALSE(is_whole(w.state(), file_of("v01")));
  EXPECT_THAT(problem(), HasSubstr("bundle of v01 is damaged"));
  EXPECT_THAT(w.query("status")["problem"].get<std::string>(), HasSubstr("net: the stored bundle"));
  EXPECT_TRUE(w.query("status")["accepting"].get<bool>()) << "jobs that can be computed go on";
}

TEST_F(HubRot, AManagerIsToldAndJobsThatWaitGoOnOnceItIsMadeAgain) {
  lose_part(file_of("v01"), 0);
  w.network.clear();
  w.from_worker("w1", protocol::PartGet{file_of("v01").digest, 0});
  const auto* damaged = told_managers();
  ASSERT_NE(damaged, nullptr);
  EXPECT_EQ(damaged->plans, std::vector<PlanId>{w.plan.id()});
  w.infer("job1");
  w.run_dry();
  EXPECT_EQ(w.computed("job1", "ingest"), 1);
  EXPECT_EQ(w.computed("job1", "v01"), 0) << "it has nothing to compute it with";
  w.advance(60'000);
  EXPECT_TRUE(w.answers("job1").empty());

  put(file_of("v01"));
  w.from_manager(
      protocol::SetPlan{ModelName("net"), model_files(), partition::to_json(w.plan), bundles});
  EXPECT_EQ(problem(), "");
  damaged = told_managers();
  ASSERT_NE(damaged, nullptr);
  EXPECT_TRUE(damaged->plans.empty());
  w.settle();
  ASSERT_EQ(w.answers("job1").size(), 1U);
  EXPECT_EQ(w.answers("job1")[0]["top"], w.expected_top("image"));
}

TEST_F(HubRot, AWorkerThatHasItsOwnCopyGoesOn) {
  lose_part(file_of("v01"), 0);
  scrub_all();
  EXPECT_FALSE(is_whole(w.state(), file_of("v01")));
  w.infer("job1");
  w.settle();
  EXPECT_EQ(w.answers("job1").size(), 1U);
}

TEST_F(HubRot, ScrubbingFindsWhatNobodyReads) {
  lose_part(file_of("report"), protocol::kPartBytes);
  scrub_all();
  EXPECT_FALSE(is_whole(w.state(), file_of("report")));
  for (const auto& bundle : bundles) {
    if (bundle.partition.text == "report") continue;
    EXPECT_TRUE(is_whole(w.state(), bundle.files[0])) << bundle.partition.text;
  }
}

TEST_F(HubRot, ScrubbingFindsBytesThatReadWellAndAreOthers) {
  std::string other = contents.at(file_of("v03").digest).substr(0, protocol::kPartBytes);
  other[1000] ^= 1;
  w.disk.rot(file_part_key(file_of("v03").digest, 0), Blob::copy_of(other));
  scrub_all();
  EXPECT_FALSE(is_whole(w.state(), file_of("v03")));
}

TEST_F(HubRot, ScrubbingLeavesWhatIsWhole) {
  scrub_all();
  scrub_all();
  for (const auto& bundle : bundles) EXPECT_TRUE(is_whole(w.state(), bundle.files[0]));
  EXPECT_EQ(problem(), "");
}

TEST_F(HubRot, AModelsOwnFileIsNamedAndDeployedAgain) {
  const FileRef model = model_files()[0];
  lose_part(model, 0);
  scrub_all();
  EXPECT_THAT(problem(), HasSubstr("model.onnx is damaged: run `hyps deploy` again"));
  const auto* damaged = told_managers();
  EXPECT_TRUE(damaged == nullptr || damaged->plans.empty()) << "nothing to make it from";
  w.infer("job1");
  w.request(protocol::PartPut{model.digest, model.bytes, 0, Blob::copy_of("the model")});
  w.request(protocol::Deploy{9, ModelName("net"), {model}, ""});
  EXPECT_NE(std::get_if<protocol::Reply>(&w.to_client.back()), nullptr);
  EXPECT_EQ(problem(), "");
  w.settle();
  EXPECT_EQ(w.answers("job1").size(), 1U) << "the job was not lost";
}

TEST_F(HubRot, ABundleWaitsForItsModelsFiles) {
  const FileRef model = model_files()[0];
  lose_part(model, 0);
  lose_part(file_of("v01"), 0);
  scrub_all();
  EXPECT_THAT(problem(), HasSubstr("jobs may wait until then"));
  w.request(protocol::PartPut{model.digest, model.bytes, 0, Blob::copy_of("the model")});
  const auto* damaged = told_managers();
  ASSERT_NE(damaged, nullptr);
  EXPECT_EQ(damaged->plans.size(), 1U);
}

TEST_F(HubRot, WhatIsMissingIsKnownAfterARestart) {
  lose_part(file_of("v01"), 0);
  scrub_all();
  w.crash_hub(1000);
  w.start_hub();
  EXPECT_THAT(problem(), HasSubstr("v01"));
  put(file_of("v01"));
  EXPECT_EQ(problem(), "");
}

TEST_F(HubRot, AReadThatMayPassCostsNothing) {
  const Peer client{protocol::Role::client, "c1"};
  w.step(PartNotSent{client, file_of("v01").digest, 0, {ErrorKind::io, "too many open files"}});
  EXPECT_TRUE(is_whole(w.state(), file_of("v01")));
}

TEST_F(HubRot, AskingForFilesThatAreNobodysLeavesNoTrace) {
  w.from_worker("w1", protocol::PartGet{digest_of(std::string_view("nothing")), 0});
  EXPECT_TRUE(w.state().workers.at(WorkerId("w1")).lacks.empty());
}

class HubWithoutScrubbing : public HubRot {
 protected:
  HubWithoutScrubbing()
      : HubRot([] {
          Config config;
          config.scrub_period_ms = 0;
          return config;
        }()) {}
};

TEST_F(HubWithoutScrubbing, ReadsNothing) {
  lose_part(file_of("report"), 0);
  scrub_all();
  EXPECT_TRUE(is_whole(w.state(), file_of("report")));
}

}  // namespace
}  // namespace hyps::hub
