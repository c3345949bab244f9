// What the hub does when a quorum agrees and the values of others must tell whether with it; and
// what it keeps from those who have not voted yet.
#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace hyps::hub {
namespace {

using Mode = partition::Replication::Mode;
using Outcome = protocol::Verdict::Outcome;
using Names = std::vector<std::string>;

const Peer kVoter{protocol::Role::voter, "v1"};

Blob wrong(const Blob& right) { return Blob::of("wrong " + std::string(right.text())); }

// The test is the voter.
class Doubts : public testing::Test {
 protected:
  void begin(Mode mode) {
    partition::replicate(w.plan, {mode, 3, 2});
    w.voter_alive = false;
    for (const char* id : {"w1", "w2", "w3", "keeper"}) w.add_worker(id, true);
    w.deploy();
    protocol::SetRoutes set{w.state().plans.begin()->first, {}, ""};
    for (const auto& part : w.plan.partitions) {
      const bool votes = part.replication.votes();
      const Names names = votes ? Names{"w1", "w2", "w3"} : Names{"keeper"};
      for (const auto& name : names) set.routes.push_back({part.name, WorkerId(name), ++epoch});
    }
    w.from_manager(set);
    w.workers.at("w3").lie = wrong;
  }
  [[nodiscard]] const protocol::Ballot* last_of_v01() const {
    const auto found = std::find_if(w.ballots.rbegin(), w.ballots.rend(), [](const auto& ballot) {
      return ballot.task.partition.text == "v01";
    });
    return found == w.ballots.rend() ? nullptr : &*found;
  }
  [[nodiscard]] static protocol::Verdict agreement_on(const protocol::Ballot& ballot) {
    protocol::Verdict verdict;
    verdict.task = ballot.task;
    verdict.number = ballot.number;
    verdict.outcome = static_cast<std::uint32_t>(Outcome::agreed);
    verdict.members = {WorkerId("w1"), WorkerId("w2")};
    return verdict;
  }
  // Until v01 has been voted on by so many.
  void run_until_voted(std::size_t votes) {
    w.infer("job");
    for (int i = 0; i < 10'000; ++i) {
      const protocol::Ballot* shown = last_of_v01();
      if (shown != nullptr && shown->votes.size() == votes) return;
      if (!w.deliver_next()) w.advance(10);
    }
    FAIL() << "nobody votes";
  }
  void say(Outcome outcome, const Names& members, const Names& liars = {}) {
    const protocol::Ballot* shown = last_of_v01();
    ASSERT_NE(shown, nullptr);
    protocol::Verdict verdict;
    verdict.task = shown->task;
    verdict.number = shown->number;
    verdict.outcome = static_cast<std::uint32_t>(outcome);
    for (const auto& name : members) verdict.members.emplace_back(name);
    for (const auto& name : liars) verdict.liars.emplace_back(name);
    w.step(FromPeer{kVoter, verdict});
  }
  void pass(int seconds) {
    for (int i = 0; i < 10 * seconds; ++i) {
      w.run_dry();
      w.advance(100);
      if (i % 10 == 0) w.beat();
    }
  }
  nlohmann::json reputation(const std::string& worker) {
    return w.query("worker", worker)["reputation"];
  }
  [[nodiscard]] const Ballot* ballot() const {
    const protocol::TaskKey key{JobId("job"), w.state().plans.begin()->first, PartitionName("v01")};
    const auto found = w.state().ballots.find(key);
    return found == w.state().ballots.end() ? nullptr : &found->second;
  }

  World w;
  Epoch epoch = 100;
};

TEST_F(Doubts, TheAnswerDoesNotWaitForTheValuesThatTellWhoLies) {
  begin(Mode::majority);
  run_until_voted(3);
  say(Outcome::agreed, {"w1", "w2"});
  say(Outcome::values, {"w1", "w3"});
  w.run_dry();
  const Job& job = w.state().jobs.begin()->second;
  EXPECT_TRUE(job.stored.contains("t")) << "the job goes on";
  ASSERT_EQ(w.values.size(), 2U);
  const auto own = std::find_if(w.values.begin(), w.values.end(), [&](const auto& value) {
    return digest_of(value.data.bytes()) == job.stored.at("t").digest;
  });
  EXPECT_NE(own, w.values.end()) << "what is stored is not asked for again";
  EXPECT_EQ(reputation("w3")["lies"], 0);
  ASSERT_NE(ballot(), nullptr);
}

TEST_F(Doubts, WhoProvesToDifferIsNamedAfterTheResultIsStored) {
  begin(Mode::majority);
  run_until_voted(3);
  const protocol::Ballot first = w.ballots.back();
  say(Outcome::agreed, {"w1", "w2"});
  say(Outcome::values, {"w1", "w3"});
  w.run_dry();
  w.ballots.push_back(first);
  say(Outcome::agreed, {"w1", "w2"}, {"w3"});
  EXPECT_EQ(reputation("w3")["lies"], 1);
  EXPECT_TRUE(reputation("w3")["quarantined"]);
  EXPECT_EQ(ballot(), nullptr);
  EXPECT_TRUE(w.state().workers.at(WorkerId("w3")).late.empty());
}

TEST_F(Doubts, WhoProvesToAgreeHasAgreed) {
  begin(Mode::majority);
  run_until_voted(3);
  const protocol::Ballot first = w.ballots.back();
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  w.ballots.push_back(first);
  say(Outcome::agreed, {"w1", "w2", "w3"});
  EXPECT_EQ(reputation("w3")["agreements"], 1);
  EXPECT_EQ(ballot(), nullptr);
}

TEST_F(Doubts, ADoubtThatNobodyResolvesEndsWithoutAWord) {
  begin(Mode::majority);
  run_until_voted(3);
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  ASSERT_NE(ballot(), nullptr);
  pass(17);
  EXPECT_EQ(ballot(), nullptr);
  EXPECT_EQ(reputation("w3")["lies"], 0);
  EXPECT_EQ(reputation("w3")["agreements"], 0);
}

TEST_F(Doubts, ADoubtEndsWhereTheResultIsNotKeptAnyMore) {
  begin(Mode::majority);
  run_until_voted(3);
  const protocol::Ballot first = *last_of_v01();
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  while (!w.state().jobs.empty()) {
    const auto answered = w.ballots.size();
    w.step(FromPeer{kVoter, agreement_on(w.ballots.back())});
    w.run_dry();
    if (w.ballots.size() == answered) pass(1);
  }
  ASSERT_NE(ballot(), nullptr);
  w.step(DiskFree{1000, 1LL << 40});
  w.ballots.push_back(first);
  say(Outcome::values, {"w1", "w3"});
  EXPECT_EQ(ballot(), nullptr);
  EXPECT_TRUE(w.values.empty());
  EXPECT_FALSE(w.state().workers.at(WorkerId("w3")).late.contains(first.task));
  EXPECT_EQ(reputation("w3")["lies"], 0);
}

// A message that was sent again when a connection was back, of a time when the same worker had the
// same task of other inputs.
TEST_F(Doubts, WhatWasSaidOfOtherInputsIsNoVoteAndNoLie) {
  begin(Mode::majority);
  run_until_voted(1);
  const protocol::Ballot shown = *last_of_v01();
  const protocol::Vote& vote = shown.votes.front();
  const Digest before = digest_of(std::string_view("what it was made of before"));
  for (const char* id : {"w1", "w2", "w3"}) {
    const Copy& copy = ballot()->copies.at(WorkerId(id));
    w.step(FromPeer{w.workers.at(id).peer(),
                    protocol::TaskDone{shown.task, copy.epoch, {}, 1, 1, before}});
    EXPECT_EQ(reputation(id)["lies"], 0) << id;
  }
  EXPECT_EQ(last_of_v01()->votes.size(), 1U);
  w.run_dry();
  ASSERT_EQ(last_of_v01()->votes.size(), 3U);
  EXPECT_EQ(last_of_v01()->votes.front().outputs, vote.outputs);
}

TEST_F(Doubts, AVoterThatTakesOverIsShownWhatIsInDoubt) {
  begin(Mode::majority);
  run_until_voted(3);
  const auto number = w.ballots.back().number;
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  w.ballots.clear();
  w.step(FromPeer{{protocol::Role::voter, "v2"}, protocol::VoterHello{"v2"}});
  const auto shown = std::find_if(w.ballots.begin(), w.ballots.end(),
                                  [&](const auto& ballot) { return ballot.number == number; });
  EXPECT_NE(shown, w.ballots.end());
}

TEST_F(Doubts, AFirstResultThatIsInDoubtGivesWayToTheQuorums) {
  begin(Mode::first);
  for (const char* late : {"w1", "w2"}) w.workers.at(late).mute = true;
  run_until_voted(1);
  w.run_dry();
  for (const char* late : {"w1", "w2"}) w.workers.at(late).mute = false;
  ASSERT_TRUE(w.state().jobs.begin()->second.stored.contains("t")) << "forwarded";
  const Digest doubtful = w.state().jobs.begin()->second.stored.at("t").digest;
  for (int i = 0; i < 100 && last_of_v01()->votes.size() < 3; ++i) pass(1);
  ASSERT_EQ(last_of_v01()->votes.size(), 3U);
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  const auto& stored = w.state().jobs.begin()->second.stored;
  ASSERT_TRUE(stored.contains("t"));
  EXPECT_NE(stored.at("t").digest, doubtful);
  EXPECT_EQ(reputation("w3")["lies"], 0);
}

TEST_F(Doubts, ABallotWhoseVerdictWasLostIsShownAgain) {
  begin(Mode::majority);
  run_until_voted(3);
  say(Outcome::values, {"w1", "w3"});
  w.run_dry();
  const auto shown = w.ballots.size();
  pass(8);
  EXPECT_GT(w.ballots.size(), shown);
}

TEST_F(Doubts, AVoterWhoseHelloWasLostIsHeardTheNextTime) {
  begin(Mode::majority);
  w.step(PeerStatus{kVoter, false});
  EXPECT_EQ(w.query("status")["voters"], 0);
  w.step(FromPeer{kVoter, protocol::VoterHello{"v1", true}});
  EXPECT_EQ(w.query("status")["voters"], 1);
  const auto shown = w.ballots.size();
  w.step(FromPeer{kVoter, protocol::VoterHello{"v1", true}});
  EXPECT_EQ(w.ballots.size(), shown) << "nothing new";
}

TEST_F(Doubts, AVerdictOfAnEarlierRoundMeansNothing) {
  begin(Mode::majority);
  run_until_voted(3);
  const protocol::Ballot old = w.ballots.back();
  say(Outcome::split, {});
  for (int i = 0;
       i < 10 && (last_of_v01()->votes.size() < 3 || last_of_v01()->number == old.number); ++i) {
    pass(1);
  }
  ASSERT_NE(last_of_v01()->number, old.number);
  ASSERT_EQ(last_of_v01()->votes.size(), 3U);
  w.ballots.push_back(old);
  say(Outcome::agreed, {"w1", "w3"}, {"w2"});
  EXPECT_EQ(reputation("w2")["lies"], 0);
  w.run_dry();
  EXPECT_FALSE(w.state().jobs.begin()->second.stored.contains("t"));
}

// Who has voted so far, and what they are asked to compute next.
TEST_F(Doubts, NobodyIsShownAResultBeforeItHasVotedOnIt) {
  begin(Mode::majority);
  w.workers.at("w3").lie = nullptr;
  w.workers.at("w3").mute = true;
  run_until_voted(2);
  say(Outcome::agreed, {"w1", "w2"});
  w.run_dry();
  ASSERT_TRUE(w.state().jobs.begin()->second.stored.contains("t"));
  const protocol::TaskKey next{JobId("job"), w.state().plans.begin()->first,
                               PartitionName("h02.0")};
  ASSERT_TRUE(w.state().ballots.contains(next));
  EXPECT_FALSE(w.state().ballots.at(next).copies.contains(WorkerId("w3")));
}

TEST_F(Doubts, WhoIsNeededIsShownTheResultAndLosesItsVoteOnIt) {
  begin(Mode::majority);
  w.workers.at("w3").mute = true;
  run_until_voted(2);
  say(Outcome::agreed, {"w1", "w2"});
  w.kill_worker("w2");
  w.run_dry();
  ASSERT_TRUE(w.state().jobs.begin()->second.stored.contains("t"));
  const protocol::TaskKey next{JobId("job"), w.state().plans.begin()->first,
                               PartitionName("h02.0")};
  ASSERT_TRUE(w.state().ballots.contains(next));
  EXPECT_TRUE(w.state().ballots.at(next).copies.contains(WorkerId("w3")));
  EXPECT_EQ(ballot(), nullptr);
  EXPECT_EQ(reputation("w3")["lies"], 0);
}

}  // namespace
}  // namespace hyps::hub
