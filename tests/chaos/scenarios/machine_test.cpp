// What the machine itself does wrong: its clock jumps, its disk does not take what it is to keep.
#include "scenario.hpp"

namespace hyps::test {
namespace {

constexpr int kDay_s = 86'400;

class Machine : public Scenario {
 protected:
  // Each process has a folder that says what happens to it.
  void can_be_faulty(const std::string& name) {
    std::filesystem::create_directories(folder_of(name));
    cluster_.run_under(name, {"env", std::string("LD_PRELOAD=") + HYPS_FAULTS_LIBRARY,
                              "HYPS_FAULTS=" + folder_of(name).string()});
  }
  void set_fault(const std::string& name, const std::string& what, int number) {
    ASSERT_TRUE(write_file(folder_of(name) / what, std::to_string(number) + "\n").ok());
  }
  std::filesystem::path folder_of(const std::string& name) const {
    return cluster_.folder() / ("faults-" + name);
  }
  // There and back, in both directions, with jobs under way each time.
  void jump(const std::string& name) {
    for (const int shift_s : {kDay_s, 0, -kDay_s, 0}) {
      set_fault(name, "clock", shift_s);
      ask_for(1000);
    }
    expect_all_answered();
    expect_still_answering();
  }
};

TEST_F(Machine, ClockOfTheHubJumpsByADay) {
  can_be_faulty("hub");
  start_and_deploy();
  jump("hub");
}

TEST_F(Machine, ClockOfAWorkerJumpsByADay) {
  can_be_faulty("w1");
  start_and_deploy();
  jump("w1");
}

TEST_F(Machine, ClockOfTheManagerJumpsByADay) {
  can_be_faulty("manager");
  start_and_deploy();
  jump("manager");
  cluster_.kill("w1");  // and it still moves what a dead worker had
  expect_still_answering();
}

TEST_F(Machine, ClockIsADayOffWhenTheHubStartsAgain) {
  can_be_faulty("hub");
  start_and_deploy();
  for (const int shift_s : {-kDay_s, kDay_s}) {
    ask_many(8);
    client_.listen(20);
    cluster_.kill("hub");
    set_fault("hub", "clock", shift_s);
    cluster_.start("hub");
    expect_all_answered();
  }
  expect_still_answering();
}

// Nothing is promised that is not on the disk; what was promised before is kept.
TEST_F(Machine, DiskOfTheHubFailsToSync) {
  can_be_faulty("hub");
  start_and_deploy();
  ask_many(8);
  client_.listen(20);
  set_fault("hub", "fsync", EIO);
  ask_for(2000);
  set_fault("hub", "fsync", 0);
  expect_takes_jobs_again();
  ask_refused_again();
  expect_all_answered();
}

}  // namespace
}  // namespace hyps::test
