// Jobs whose answer is known: looked at by nobody but the hub, and who lies about them is named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/voting/known.hpp"
#include "services/hub/keys.hpp"
#include "world.hpp"

namespace hyps::hub {
namespace {

using nlohmann::json;
using protocol::FileRef;

Config often() {
  Config config;
  config.spot_check_one_in = 1;
  return config;
}

// The diamond with one known image, over two safe workers and an open one.
class SpotWorld : public World {
 public:
  explicit SpotWorld(const Config& configuration = often()) : World(configuration) {
    add_worker("w1", true);
    add_worker("w2", true);
    add_worker("w3", false);
    add_worker("w4", false);
    deploy();
    std::vector<FileRef> files = state().models.at(ModelName("net")).files;
    files.push_back(upload("known-0.image", "a known image"));
    files.push_back(upload("known-0.maps", maps_of("a known image")));
    request(protocol::Deploy{2, ModelName("net"), files, ""});
    from_manager(protocol::SetPlan{ModelName("net"), files, partition::to_json(plan), {}});
    run_dry();
    route_all();
    run_dry();
  }

  FileRef upload(const std::string& name, const std::string& content) {
    const FileRef file{name, content.size(), digest_of(std::string_view(content))};
    request(protocol::PartPut{file.digest, file.bytes, 0, Blob::copy_of(content)});
    return file;
  }
  // Slices are pieces of a whole: here every tensor stands for itself but for those.
  std::string maps_of(const std::string& image) {
    std::map<std::string, Blob> tensors{{partition::kImageTensor, Blob::copy_of(image)}};
    std::vector<std::pair<std::string, Blob>> maps;
    for (const auto& part : plan.partitions) {
      for (auto& [name, data] : compute(part, tensors)) {
        tensors[name] = data;
        if (name.find('#') == std::string::npos) maps.emplace_back(name, data);
      }
    }
    return voting::encode_known(maps).value();
  }
  void ask(int n) {
    for (int i = 0; i < n; ++i) {
      infer("user" + std::to_string(asked++));
      settle();
    }
  }
  json checks() { return query("votes")["spot_checks"]; }
  std::set<std::string> accused() const {
    std::set<std::string> names;
    for (const auto& [id, reputation] : state().reputations) {
      if (reputation.lies > 0) names.insert(id.text);
    }
    return names;
  }
  // Who has the partition now.
  std::string holder(const std::string& partition) const {
    const auto& routes = state().plans.begin()->second.routes.at(PartitionName(partition));
    return routes.front().worker.text;
  }
  int asked = 0;
};

// About the output of v01 only.
void lie(SpotWorld& w, const std::string& worker) {
  w.workers.at(worker).lie = [](const Blob& right) {
    std::string other(right.text());
    if (other.starts_with("t:")) other.back() = other.back() == 'x' ? 'y' : 'x';
    return Blob::of(std::move(other));
  };
}

TEST(HubSpotChecks, FollowUsersJobsAndAreRight) {
  SpotWorld w;
  w.ask(5);
  const json checks = w.checks();
  ASSERT_EQ(checks.size(), 5U);
  for (const json& check : checks) EXPECT_EQ(check["outcome"], "right") << check;
  EXPECT_TRUE(w.accused().empty());
}

TEST(HubSpotChecks, AreNobodysBusiness) {
  SpotWorld w;
  w.ask(3);
  std::set<std::string> told;
  for (const auto& message : w.published) {
    if (message.topic == protocol::kClusterStatus) continue;
    told.insert(json::parse(message.payload)["job"].get<std::string>());
  }
  EXPECT_EQ(told, (std::set<std::string>{"user0", "user1", "user2"}));
  EXPECT_EQ(w.query("jobs")["jobs"].size(), 3U);
  EXPECT_EQ(w.query("model", "net")["jobs_done"], 3);
  EXPECT_EQ(w.query("status")["jobs_done"], 3);
  for (const char* prefix : {kJobs, kTotals}) {
    EXPECT_EQ(w.disk.keys(prefix), prefix == kJobs ? 3U : 1U) << prefix;
  }
}

TEST(HubSpotChecks, LookLikeOtherJobsToWorkers) {
  SpotWorld w;
  w.step(UserInput{ModelName("net"), Blob::copy_of("image"), "", "", ""});
  w.settle();
  std::set<std::size_t> lengths;
  for (const auto& [key, times] : w.workers.at("w1").computed) {
    lengths.insert(key.job.text.size());
  }
  EXPECT_EQ(lengths, std::set<std::size_t>{16}) << "ids as of any job that was not named";
}

TEST(HubSpotChecks, ALiarIsNamedAndShutOut) {
  SpotWorld w;
  const std::string liar = w.holder("v01");
  lie(w, liar);
  w.ask(1);
  EXPECT_EQ(w.accused(), std::set<std::string>{liar});
  const json check = w.checks().back();
  EXPECT_EQ(check["outcome"], "wrong");
  EXPECT_EQ(check["liars"], json::array({liar}));
  EXPECT_THAT(w.query("model", "net")["problem"].get<std::string>(),
              testing::HasSubstr("a spot check was wrong"));
  w.route_all();  // the manager moves what it had
  w.ask(2);
  EXPECT_EQ(w.checks().front()["outcome"], "right") << w.checks().front();
  EXPECT_EQ(w.query("model", "net")["problem"], "");
  EXPECT_EQ(w.answers("user2")[0]["top"], w.expected_top("image"));
}

TEST(HubSpotChecks, WhatALiarHasMadeOfUnfinishedJobsIsMadeAgain) {
  SpotWorld w;
  const std::string liar = w.holder("v01");
  lie(w, liar);
  for (int i = 0; i < 8; ++i) w.infer("job" + std::to_string(i));
  w.settle(3000);
  w.route_all();
  w.settle();
  EXPECT_EQ(w.accused(), std::set<std::string>{liar});
  int again = 0;
  for (int i = 0; i < 8; ++i) {
    const std::string job = "job" + std::to_string(i);
    const auto answers = w.answers(job);
    ASSERT_EQ(answers.size(), 1U);
    bool redone = false;
    for (const json& event : w.events(job, "recovered")) {
      redone = redone || event["detail"].get<std::string>().find("has lied") != std::string::npos;
    }
    again += redone ? 1 : 0;
    if (redone) {
      EXPECT_EQ(answers[0]["top"], w.expected_top("image"));
    }
  }
  EXPECT_GT(again, 0);
}

TEST(HubSpotChecks, OneThatFailsNamesALiarToo) {
  SpotWorld w;
  const std::string liar = w.holder("v01");
  w.workers.at(liar).lie = [](const Blob& right) {  // its report is no JSON, and v01's output other
    return Blob::of(std::string(right.text()) + "!");
  };
  ASSERT_EQ(w.holder("report"), liar);
  w.ask(1);
  EXPECT_EQ(w.query("job", "user0")["state"], "failed");
  EXPECT_EQ(w.accused(), std::set<std::string>{liar});
}

TEST(HubSpotChecks, EndWithTheHubAndBeginAgain) {
  SpotWorld w;
  w.infer("user0");
  for (int i = 0; i < 6; ++i) w.deliver_next();
  w.crash_hub(1000);
  w.start_hub();
  EXPECT_LE(w.state().jobs.size(), 1U) << "the user's, if it is not done";
  w.settle();
  ASSERT_EQ(w.answers("user0").size(), 1U);
  w.asked = 1;
  w.ask(1);
  EXPECT_EQ(w.checks().front()["outcome"], "right");
}

TEST(HubSpotChecks, AreOffWithoutKnownImagesOrWithZero) {
  Config config;
  config.spot_check_one_in = 0;
  SpotWorld w(config);
  w.ask(20);
  EXPECT_TRUE(w.checks().empty());
}

TEST(HubSpotChecks, ComeOnceInSoMany) {
  Config config;
  config.spot_check_one_in = 10;
  config.keep_finished_jobs = 10;
  SpotWorld w(config);
  w.ask(300);
  EXPECT_GE(w.checks().size(), 15U);
  EXPECT_LE(w.checks().size(), 50U);
}

TEST(HubSpotChecks, DoNotKeepAModelFromBeingRemoved) {
  SpotWorld w;
  w.infer("user0");
  const auto users_job_runs = [&] { return w.query("jobs")["jobs"][0]["state"] != "done"; };
  while (users_job_runs()) w.deliver_next();
  ASSERT_FALSE(w.state().jobs.empty()) << "the check goes on";
  w.request(protocol::Remove{5, ModelName("net")});
  EXPECT_NE(std::get_if<protocol::Reply>(&w.to_client.back()), nullptr);
  EXPECT_TRUE(w.state().jobs.empty());
}

TEST(HubSpotChecks, RottenFeatureMapsAccuseNobody) {
  for (int point = 0; point < 60; ++point) {
    SpotWorld w;
    w.infer("user0");
    for (int i = 0; i < point; ++i) w.deliver_next();
    for (const auto& [sequence, job] : w.state().jobs) {
      for (const auto& [tensor, ref] : job.stored) {
        if (tensor == partition::kImageTensor) continue;
        w.disk.rot(feature_map_key(job.summary.id, tensor), Blob::copy_of("rotten"));
      }
    }
    w.settle();
    EXPECT_TRUE(w.accused().empty()) << "point " << point;
  }
}

// 1600 rounds with liars of all kinds, deaths, restarts: whoever is named has lied.
TEST(HubSpotChecks, AccuseNobodyHonest) {
  int named = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    SpotWorld w;
    const std::string liar = "w" + std::to_string(1 + random.below(4));
    const bool lies = random.below(4) != 0;
    const std::uint64_t one_in = 1 + random.below(3);
    const auto dice = std::make_shared<Random>(seed);
    if (lies) {
      w.workers.at(liar).lie = [dice, one_in](const Blob& right) {
        if (dice->below(one_in) != 0) return right;
        std::string other(right.text());
        other[dice->below(other.size())] ^= 1;
        return Blob::of(std::move(other));
      };
    }
    for (int i = 0; i < 4; ++i) {
      w.infer("user" + std::to_string(i));
      for (std::uint64_t n = random.below(40); n > 0; --n) w.deliver_next();
      if (random.below(4) == 0) {
        const std::string dies = "w" + std::to_string(1 + random.below(4));
        if (dies != liar) {
          w.kill_worker(dies);
          w.start_worker(dies);
        }
      }
      if (random.below(8) == 0) {
        w.crash_hub(random.below(10));
        w.start_hub();
      }
      w.settle(5000);
      w.route_all();
    }
    const auto accused = w.accused();
    named += accused.contains(liar) ? 1 : 0;
    for (const auto& name : accused) {
      ASSERT_TRUE(lies && name == liar) << "seed " << seed << ": " << name << " is honest";
    }
  }
  EXPECT_GT(named, 100);
}

}  // namespace
}  // namespace hyps::hub
