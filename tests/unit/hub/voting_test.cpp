// Replicated partitions: votes, verdicts, liars.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "world.hpp"

namespace hyps::hub {
namespace {

using Mode = partition::Replication::Mode;

Blob wrong(const Blob& right) { return Blob::of("wrong " + std::string(right.text())); }
Blob one_bit_off(const Blob& right) {
  std::string text(right.text());
  text.back() = static_cast<char>(text.back() ^ 1);
  return Blob::of(text);
}

class Voting : public testing::Test {
 protected:
  void begin(Mode mode, int replicas, int quorum, int workers) {
    partition::replicate(w.plan, {mode, replicas, quorum});
    for (int i = 1; i <= workers; ++i) w.add_worker("w" + std::to_string(i), true);
    w.deploy();
  }
  // Every partition but the first and last, which are trusted.
  static int partitions() { return 4; }

  void expect_right(const std::string& job, const std::string& image) {
    ASSERT_EQ(w.answers(job).size(), 1U) << job;
    EXPECT_EQ(w.answers(job)[0]["top"], w.expected_top(image));
  }
  // A worker in quarantine loses what it has alone.
  void settle_with_manager() {
    for (int i = 0; i < 5 && !w.state().jobs.empty(); ++i) {
      w.settle(1000);
      w.route_all();
    }
    w.settle(60'000);
  }
  void run(const std::string& job, const std::string& image = "image") {
    w.infer(job, image);
    w.settle();
    expect_right(job, image);
  }
  nlohmann::json reputation(const std::string& worker) {
    return w.query("worker", worker)["reputation"];
  }
  void expect_only_liar(const std::string& liar) {
    for (const auto& [id, worker] : w.workers) {
      EXPECT_EQ(reputation(id)["lies"] == 0, id != liar) << id;
    }
  }

  World w;
};

TEST_F(Voting, ThreeThatAgreeGiveTheAnswerAndSendItOnce) {
  begin(Mode::majority, 3, 2, 3);
  std::map<std::string, int> sent;
  w.infer("job");
  for (int i = 0; i < 10'000 && !w.state().jobs.empty(); ++i) {
    if (w.network.empty()) w.advance(10);
    if (w.network.empty()) continue;
    if (w.network.front().to_hub) {
      const auto* tensor = std::get_if<TensorArrived>(&w.network.front().event);
      if (tensor != nullptr) ++sent[tensor->arrival.tensor];
    }
    w.deliver_next();
  }
  w.settle();
  expect_right("job", "image");
  EXPECT_EQ(sent.size(), w.plan.partitions.size());
  for (const auto& [tensor, times] : sent) EXPECT_EQ(times, 1) << tensor;
  EXPECT_EQ(w.answers("job")[0]["votes"], partitions());
  EXPECT_EQ(w.computed("job", "v01"), 3);
  EXPECT_EQ(w.computed("job", "ingest"), 1) << "trusted";
  expect_only_liar("");
  for (const auto& [id, worker] : w.state().workers) EXPECT_TRUE(worker.credits.empty());
  EXPECT_TRUE(w.state().ballots.empty());
}

TEST_F(Voting, TheMemberWhoseOutputsAreAskedIsNotGivenTheTaskAgainByTheNextHeartbeat) {
  begin(Mode::majority, 3, 2, 3);
  w.infer("job");
  const auto asked = [&]() -> const Dispatch* {
    for (const auto& [key, ballot] : w.state().ballots) {
      if (ballot.forwarded.empty() || ballot.stored) continue;
      for (const auto& [sequence, job] : w.state().jobs) {
        for (const Task& task : job.tasks) {
          if (task.state == Task::State::dispatched && task.with(ballot.forwarded) != nullptr) {
            return task.with(ballot.forwarded);
          }
        }
      }
    }
    return nullptr;
  };
  while (asked() == nullptr) ASSERT_TRUE(w.deliver_next());
  const std::string member = asked()->worker.text;
  const auto inputs_under_way = [&] {
    return std::count_if(w.network.begin(), w.network.end(), [&](const auto& packet) {
      return packet.worker == member && packet.checkpoint.has_value();
    });
  };
  const auto before = inputs_under_way();
  protocol::Heartbeat heartbeat;  // sent before it had the task
  heartbeat.incarnation = w.workers.at(member).info.incarnation;
  w.from_worker(member, heartbeat);
  EXPECT_EQ(inputs_under_way(), before);
}

TEST_F(Voting, ALiarIsNamedAndChangesNoAnswer) {
  const std::vector<std::function<Blob(const Blob&)>> lies{wrong, one_bit_off};
  for (const auto& lie : lies) {
    for (const char* liar : {"w1", "w2", "w3"}) {
      World fresh;
      partition::replicate(fresh.plan, {Mode::majority, 3, 2});
      for (const char* id : {"w1", "w2", "w3"}) fresh.add_worker(id, true);
      fresh.deploy();
      // About layers only: who holds ingest and report is trusted.
      fresh.workers.at(liar).lie = [&lie](const Blob& right) {
        const auto text = right.text();
        const bool layers =
            text.starts_with("t:") || text.starts_with("u#") || text.starts_with("y:");
        return layers ? lie(right) : right;
      };
      fresh.infer("job");
      for (int i = 0; i < 5 && !fresh.state().jobs.empty(); ++i) {
        fresh.settle(1000);
        fresh.route_all();
      }
      fresh.settle(60'000);
      ASSERT_EQ(fresh.answers("job").size(), 1U) << liar;
      EXPECT_EQ(fresh.answers("job")[0]["top"], fresh.expected_top("image")) << liar;
      const auto votes = fresh.query("votes");
      for (const auto& verdict : votes["verdicts"]) {
        EXPECT_EQ(verdict["differ"], nlohmann::json::array({liar})) << verdict;
      }
      EXPECT_FALSE(votes["verdicts"].empty());
      for (const auto& worker : votes["workers"]) {
        EXPECT_EQ(worker["quarantined"], worker["worker"] == liar) << worker;
      }
    }
  }
}

TEST_F(Voting, WhoAnnouncesTheRightThingAndSendsAnotherIsALiar) {
  begin(Mode::majority, 3, 2, 4);
  // w4 has ingest and report; the voted ones are w1 … w3.
  for (auto& [id, worker] : w.workers) worker.send_instead = nullptr;
  const auto& routes = w.state().plans.begin()->second.routes;
  const std::string first = routes.at(PartitionName("v01")).front().worker.text;
  w.infer("job");
  // Lies about layers only, so that ingest and report, which are trusted, come out.
  w.workers.at(first).send_instead = [](const Blob& announced) {
    const auto text = announced.text();
    const bool layers = text.starts_with("t:") || text.starts_with("u#") || text.starts_with("y:");
    return layers ? wrong(announced) : announced;
  };
  settle_with_manager();
  expect_right("job", "image");
  expect_only_liar(first);
  EXPECT_TRUE(reputation(first)["quarantined"]);
}

TEST_F(Voting, ALiarIsNamedEvenWhenItVotesAfterTheJobHasEnded) {
  begin(Mode::majority, 3, 2, 3);
  w.workers.at("w3").lie = wrong;
  std::deque<World::Packet> held;
  w.infer("job");
  const auto route_of = [&](const char* name) {
    return w.state().plans.begin()->second.routes.at(PartitionName(name)).front().worker.text;
  };
  if (route_of("ingest") == "w3" || route_of("report") == "w3") {
    w.workers.at("w3").lie = [](const Blob& right) {
      const auto text = right.text();
      return text.starts_with("t:") || text.starts_with("u#") ? wrong(right) : right;
    };
  }
  for (int i = 0; i < 10'000 && w.answers("job").empty(); ++i) {
    if (w.network.empty()) w.advance(10);
    if (w.network.empty()) continue;
    World::Packet packet = std::move(w.network.front());
    w.network.pop_front();
    const auto* said = std::get_if<FromPeer>(&packet.event);
    const bool vote = packet.to_hub && packet.worker == "w3" && said != nullptr &&
                      std::holds_alternative<protocol::TaskDone>(said->message) &&
                      std::get<protocol::TaskDone>(said->message).task.partition.text == "v01";
    if (vote) {
      held.push_back(std::move(packet));
    } else {
      w.deliver(std::move(packet));
    }
  }
  expect_right("job", "image");
  w.settle();
  ASSERT_FALSE(held.empty());
  EXPECT_EQ(w.state().ballots.size(), 1U) << "somebody still owes a vote";
  for (auto& packet : held) w.deliver(std::move(packet));
  w.run_dry();
  expect_only_liar("w3");
  EXPECT_TRUE(w.state().ballots.empty());
  expect_right("job", "image");
}

TEST_F(Voting, WithoutAVoterJobsWaitAndThenGoOn) {
  w.voter_alive = false;
  w.crash_hub();
  w.start_hub();
  begin(Mode::majority, 3, 2, 3);
  w.infer("job");
  w.settle(10'000);
  EXPECT_TRUE(w.answers("job").empty());
  EXPECT_EQ(w.query("status")["votes_open"], 1);
  w.start_voter();
  w.settle();
  expect_right("job", "image");
}

TEST_F(Voting, AnotherVoterTakesOverTheBallotsOfOneThatGoes) {
  begin(Mode::majority, 3, 2, 3);
  w.voter_alive = false;  // v1 hears, and says nothing
  const Peer other{protocol::Role::voter, "v2"};
  w.step(FromPeer{other, protocol::VoterHello{"v2"}});
  w.infer("job");
  w.settle(3000);
  ASSERT_FALSE(w.asked_voters.empty());
  EXPECT_EQ(w.asked_voters.back(), "v2");
  w.voter_alive = true;
  w.step(PeerStatus{other, false});
  EXPECT_EQ(w.asked_voters.back(), "v1");
  w.settle();
  expect_right("job", "image");
}

TEST_F(Voting, TwoOfThreeAreEnough) {
  begin(Mode::majority, 3, 2, 3);
  w.kill_worker("w2");
  w.route_all();
  run("job");
  expect_only_liar("");
}

TEST_F(Voting, ReplicasThatDieWhileTheyComputeAreReplaced) {
  begin(Mode::majority, 3, 2, 4);
  for (const char* id : {"w1", "w2"}) w.workers.at(id).mute = true;
  w.infer("job");
  w.run_dry();
  w.kill_worker("w1");
  w.kill_worker("w2");
  w.start_worker("w1");
  w.start_worker("w2");
  w.route_all();
  w.settle();
  expect_right("job", "image");
  expect_only_liar("");
}

TEST_F(Voting, AHubThatIsKilledMidVoteAsksAgain) {
  begin(Mode::majority, 3, 2, 3);
  w.infer("job");
  for (int i = 0; i < 200 && !w.state().jobs.empty(); ++i) {
    w.deliver_next();
    if (i % 7 != 6) continue;
    w.crash_hub();
    w.start_hub();
  }
  w.settle(60'000);
  expect_right("job", "image");
  expect_only_liar("");
}

TEST_F(Voting, ALiarInQuarantineComputesInTheShadowAndReturnsAfterTenAgreements) {
  begin(Mode::majority, 3, 2, 4);
  const std::string liar =
      w.state().plans.begin()->second.routes.at(PartitionName("h02.0")).front().worker.text;
  w.workers.at(liar).lie = [](const Blob& right) {
    return right.text().starts_with("u#") ? wrong(right) : right;
  };
  w.infer("lied");
  settle_with_manager();
  expect_right("lied", "image");
  ASSERT_TRUE(reputation(liar)["quarantined"]);
  EXPECT_EQ(w.query("status")["workers_quarantined"], nlohmann::json::array({liar}));
  w.crash_hub();
  w.start_hub();
  EXPECT_TRUE(reputation(liar)["quarantined"]) << "kept in the store";
  w.workers.at(liar).lie = nullptr;
  for (int i = 0; i < 12 && reputation(liar)["quarantined"]; ++i) {
    w.infer("job" + std::to_string(i));
    settle_with_manager();
  }
  EXPECT_FALSE(reputation(liar)["quarantined"]);
}

TEST_F(Voting, TwoOfTwoThatDifferFailWithoutAnybodyBeingNamed) {
  w.config.max_attempts = 2;
  w.crash_hub();
  w.start_hub();
  begin(Mode::majority, 2, 2, 2);
  w.workers.at("w2").lie = [](const Blob& right) {
    return right.text().starts_with("t:") ? wrong(right) : right;
  };
  w.infer("job");
  w.settle();
  ASSERT_EQ(w.answers("job").size(), 1U);
  EXPECT_EQ(w.answers("job")[0]["state"], "failed");
  expect_only_liar("");
}

// Each round forwards a result and takes it back: that costs a try as well.
TEST_F(Voting, TwoOfTwoThatDifferFailTooWhenTheFirstResultIsForwarded) {
  w.config.max_attempts = 3;
  w.crash_hub();
  w.start_hub();
  begin(Mode::first, 2, 2, 2);
  w.workers.at("w2").lie = [](const Blob& right) {
    return right.text().starts_with("t:") ? wrong(right) : right;
  };
  w.infer("job");
  for (std::size_t round = 0; round < 20 && w.answers("job").empty(); ++round) {
    w.workers.at("w2").mute = true;  // it votes when the other one's result is stored
    for (int ms = 0; ms < 1000; ms += 100) {
      w.run_dry();
      w.advance(100);
    }
    w.workers.at("w2").mute = false;
    for (int ms = 0; ms < 20'000 && w.events("job", "recovered").size() <= round; ms += 100) {
      w.advance(100);
      if (ms % 1000 == 0) w.beat();
      w.run_dry();
    }
  }
  ASSERT_EQ(w.answers("job").size(), 1U);
  EXPECT_EQ(w.answers("job")[0]["state"], "failed");
  EXPECT_EQ(w.events("job", "recovered").size(), 3U);
  expect_only_liar("");
}

// A container may come back on another machine under its name: its vote is of the arithmetic of the
// process that gave it.
TEST_F(Voting, AVoteIsOfTheProcessThatGaveIt) {
  begin(Mode::majority, 3, 2, 3);
  w.workers.at("w1").info.isa = "another";
  for (const Event& event : w.workers.at("w1").hello()) w.step(event);
  w.run_dry();
  for (const char* other : {"w2", "w3"}) w.workers.at(other).mute = true;
  const auto votes_of = [&](const std::string& worker) {
    std::vector<std::string> arithmetics;
    for (const protocol::Ballot& ballot : w.ballots) {
      for (const protocol::Vote& vote : ballot.votes) {
        if (vote.worker.text == worker) arithmetics.push_back(vote.arithmetic);
      }
    }
    return arithmetics;
  };
  for (int job = 0; votes_of("w1").empty() && job < 10; ++job) {
    w.infer("job" + std::to_string(job));
    w.run_dry();
  }
  ASSERT_FALSE(votes_of("w1").empty());
  w.kill_worker("w1");
  w.ballots.clear();
  w.start_worker("w1");
  ASSERT_NE(w.workers.at("w1").info.isa, "another");
  for (const char* other : {"w2", "w3"}) w.workers.at(other).mute = false;
  w.settle(60'000);
  ASSERT_FALSE(votes_of("w1").empty());
  EXPECT_EQ(votes_of("w1").front(), "another " + w.workers.at("w1").info.version);
}

TEST_F(Voting, WhatALiarHasMadeAloneIsMadeAgain) {
  begin(Mode::majority, 3, 2, 3);
  const auto& routes = w.state().plans.begin()->second.routes;
  const std::string liar = routes.at(PartitionName("ingest")).front().worker.text;
  w.workers.at(liar).lie = [](const Blob& right) {
    return right.text().starts_with("{") ? right : wrong(right);
  };
  w.infer("job");
  settle_with_manager();
  expect_only_liar(liar);
  expect_right("job", "image");
  EXPECT_EQ(w.computed("job", "ingest"), 2);
}

TEST_F(Voting, StandbyComputesOnlyWhenTheFirstIsGone) {
  begin(Mode::standby, 2, 1, 3);
  run("job1");
  for (const auto& partition : w.plan.partitions) {
    EXPECT_EQ(w.computed("job1", partition.name.text), 1) << partition.name.text;
  }
  const auto& routes = w.state().plans.begin()->second.routes;
  const std::string first = routes.at(PartitionName("v01")).front().worker.text;
  const std::string second = routes.at(PartitionName("v01")).back().worker.text;
  for (const char* trusted : {"ingest", "report"}) {
    ASSERT_NE(routes.at(PartitionName(trusted)).front().worker.text, first);
  }
  w.kill_worker(first);
  run("job2");  // no manager has said anything
  int by_second = 0;
  for (const auto& [key, times] : w.workers.at(second).computed) {
    const bool taken_over = key.job.text == "job2" && key.partition.text == "v01";
    by_second += taken_over ? times : 0;
  }
  EXPECT_EQ(by_second, 1);
}

TEST_F(Voting, TheFirstResultIsForwardedAtOnceAndRedoneWhenItProvesWrong) {
  // So many that those who have not voted on it are not needed for what is made of it.
  begin(Mode::first, 3, 2, 7);
  const auto& routes = w.state().plans.begin()->second.routes.at(PartitionName("v01"));
  const std::string liar = routes.front().worker.text;
  w.workers.at(liar).lie = [](const Blob& right) {
    return right.text().starts_with("t:") ? wrong(right) : right;
  };
  w.infer("job");
  // Its vote comes first, and a good while before the others'.
  std::deque<World::Packet> held;
  for (int i = 0; i < 10'000 && held.size() < 2; ++i) {
    if (w.network.empty()) w.advance(10);
    if (w.network.empty()) continue;
    World::Packet packet = std::move(w.network.front());
    w.network.pop_front();
    const auto* said = std::get_if<FromPeer>(&packet.event);
    const bool other = packet.to_hub && packet.worker != liar && said != nullptr &&
                       std::holds_alternative<protocol::TaskDone>(said->message) &&
                       std::get<protocol::TaskDone>(said->message).task.partition.text == "v01";
    if (other) {
      held.push_back(std::move(packet));
    } else {
      w.deliver(std::move(packet));
    }
  }
  for (int i = 0; i < 30; ++i) {
    w.run_dry();
    w.advance(10);
  }
  ASSERT_FALSE(w.state().jobs.empty());
  EXPECT_TRUE(w.state().jobs.begin()->second.stored.contains("y")) << "it did not wait";
  EXPECT_TRUE(w.answers("job").empty()) << "but nothing is answered before it is confirmed";
  for (auto& packet : held) w.deliver(std::move(packet));
  settle_with_manager();
  expect_right("job", "image");
  expect_only_liar(liar);
  EXPECT_FALSE(w.events("job", "recovered").empty());
}

TEST_F(Voting, WhatWasForwardedUnconfirmedIsVotedOnAgainAfterAHubIsKilled) {
  begin(Mode::first, 3, 2, 4);
  const auto& routes = w.state().plans.begin()->second.routes.at(PartitionName("v01"));
  const std::string liar = routes.front().worker.text;
  w.workers.at(liar).lie = [](const Blob& right) {
    return right.text().starts_with("t:") ? wrong(right) : right;
  };
  w.voter_alive = false;
  w.crash_hub();
  w.start_hub();
  w.infer("job");
  for (int i = 0; i < 30; ++i) {
    w.run_dry();
    w.advance(10);
  }
  ASSERT_FALSE(w.state().jobs.empty());
  EXPECT_TRUE(w.state().jobs.begin()->second.stored.contains("t"));
  w.crash_hub();
  w.voter_alive = true;
  w.start_hub();
  settle_with_manager();
  expect_right("job", "image");
  expect_only_liar(liar);
}

TEST_F(Voting, ATrustedWorkerIsCheckedNowAndThen) {
  w.config.trust_after = 5;
  w.config.check_one_in = 4;
  w.crash_hub();
  w.start_hub();
  begin(Mode::majority, 3, 2, 3);
  for (int i = 0; i < 40; ++i) run("job" + std::to_string(i));
  int computed = 0;
  for (int i = 20; i < 40; ++i) computed += w.computed("job" + std::to_string(i), "v01");
  EXPECT_GT(computed, 20) << "some are still voted on";
  EXPECT_LT(computed, 50) << "most are not";
}

}  // namespace
}  // namespace hyps::hub
