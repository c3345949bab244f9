// What the core makes of requests for backups.
#include <gtest/gtest.h>

#include "world.hpp"

namespace hyps::hub {
namespace {

class Backups : public testing::Test {
 protected:
  void ask(std::uint64_t request, const std::string& name) {
    w_.to_client.clear();
    w_.request(protocol::Backup{request, name});
  }
  void written(Result<std::string> folder) { w_.step(BackupWritten{std::move(folder)}); }
  // What the client was told: the folder, or "refused: why"; "" when nothing.
  std::string told() {
    if (w_.to_client.empty()) return {};
    EXPECT_EQ(w_.to_client.size(), 1U);
    if (const auto* reply = std::get_if<protocol::Reply>(&w_.to_client.back())) {
      return nlohmann::json::parse(reply->json).value("folder", "none");
    }
    return "refused: " + std::get<protocol::Refused>(w_.to_client.back()).message;
  }

  World w_;
};

TEST_F(Backups, AreAnsweredWhenWritten) {
  ask(1, "2026/monday");
  EXPECT_EQ(w_.backups, std::vector<std::string>{"2026/monday"});
  EXPECT_EQ(told(), "");
  written(std::string("/var/backups/2026/monday"));
  EXPECT_EQ(told(), "/var/backups/2026/monday");
}

TEST_F(Backups, ThatFailAreToldSo) {
  ask(1, "monday");
  written(Error{ErrorKind::io, "no space left"});
  EXPECT_EQ(told(), "refused: no space left");
}

TEST_F(Backups, AskedForAgainAreTheSame) {
  ask(1, "monday");
  ask(1, "monday");
  EXPECT_EQ(w_.backups.size(), 1U);
  written(std::string("/b/monday"));
  EXPECT_EQ(told(), "/b/monday");
  ask(1, "monday");
  EXPECT_EQ(told(), "/b/monday") << "its answer was lost on the way";
  EXPECT_EQ(w_.backups.size(), 1U);
  ask(2, "tuesday");
  EXPECT_EQ(w_.backups.size(), 2U);
}

TEST_F(Backups, AreWrittenOneAtATime) {
  ask(1, "monday");
  ask(2, "tuesday");
  EXPECT_NE(told().find("the backup monday is being written"), std::string::npos) << told();
  EXPECT_EQ(w_.backups.size(), 1U);
}

TEST_F(Backups, LeadNowhereButBelowTheirFolder) {
  for (const char* name : {"", ".", "..", "../x", "x/../../y", "/etc", "x//y", "x/", "x/.", "a b",
                           ".hidden", "-rf", "x\\y", "x\ny"}) {
    ask(1, name);
    EXPECT_NE(told().find("cannot be a backup's name"), std::string::npos) << name;
  }
  ask(1, std::string(300, 'x'));
  EXPECT_NE(told().find("cannot be"), std::string::npos);
  std::string deep = "x";
  for (int i = 0; i < 500; ++i) deep += "/x";
  ask(1, deep);
  EXPECT_NE(told().find("cannot be"), std::string::npos);
  EXPECT_TRUE(w_.backups.empty());
}

TEST_F(Backups, AreNotForWorkersToAskFor) {
  w_.from_worker("w1", protocol::Backup{1, "monday"});
  EXPECT_TRUE(w_.backups.empty());
  EXPECT_EQ(w_.state().dropped_frames, 1);
}

}  // namespace
}  // namespace hyps::hub
