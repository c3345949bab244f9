// The hub's files rot while it is down: bits flip, ends are missing. It goes on, or says that it
// cannot, and goes on from a backup. No answer is ever wrong.
#include "common/base/random.hpp"
#include "scenario.hpp"

namespace hyps::test {
namespace {

namespace fs = std::filesystem;

struct Damage {
  const char* name;
  const char* extension;
  bool truncate = false;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

class Disk : public Scenario, public testing::WithParamInterface<Damage> {
 protected:
  Disk() : Scenario(2) {}

  fs::path data() const { return cluster_.folder() / "hub"; }

  // A store of some age: files of every kind, finished and unfinished jobs.
  void fill() {
    ask_many(6);
    expect_all_answered();
    cluster_.kill("hub");
    cluster_.start("hub");  // the log becomes tables and blobs
    ASSERT_TRUE(client_.wait_workers_online(2));
    const Outcome backup = cluster_.hyps({"backup", "before"});
    ASSERT_EQ(backup.code, 0) << backup.errors;
    for (const auto& worker : cluster_.worker_names()) cluster_.kill(worker);
    ask_many(6);
    ASSERT_TRUE(client_.wait_query("status", "", [](const json& status) {
      return status.value("jobs_waiting", 0) + status.value("jobs_running", 0) == 6;
    }));
    cluster_.kill("hub");
  }

  // Each file of the kind, at one place. Links of the backup keep their bytes: copied first.
  int damage_files() {
    int damaged = 0;
    for (const auto& entry : fs::directory_iterator(data())) {
      if (entry.path().extension() != GetParam().extension || entry.file_size() < 64) continue;
      std::string bytes = text_of(entry.path());
      if (GetParam().truncate) {
        bytes.resize(bytes.size() / 2 + random_.below(bytes.size() / 4));
      } else {
        char& byte = bytes[random_.below(bytes.size())];
        byte = static_cast<char>(byte ^ (1 << random_.below(8)));
      }
      fs::remove(entry.path());
      std::ofstream(entry.path(), std::ios::binary) << bytes;
      ++damaged;
    }
    return damaged;
  }

  // It runs, or it has said why not.
  void start_or_restore() {
    cluster_.start("hub");
    for (const auto& worker : cluster_.worker_names()) cluster_.start(worker);
    if (client_.wait_query(
            "status", "", [](const json&) { return true; }, 3000)) {
      return;
    }
    const int code = cluster_.wait_for_exit("hub", 5000);
    EXPECT_EQ(code, 1) << cluster_.log("hub");
    EXPECT_THAT(cluster_.log("hub"), testing::HasSubstr("hyps-hub: ")) << "it should say why";
    std::printf("restored from the backup: %s\n",
                cluster_.log("hub").substr(cluster_.log("hub").rfind("hyps-hub: ")).c_str());
    const fs::path copy = cluster_.folder() / "restored";
    fs::copy(data() / "backups" / "before", copy);
    cluster_.set("hub", "data_folder=" + copy.string());
    cluster_.start("hub");
  }

  // Bundles are made again by themselves; for a model's own file the problem says what to do.
  void heal() {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    std::string problem;
    while (Clock::now() < deadline) {
      const json model = client_.query("model", "shapes");
      problem = model.value("problem", model.dump());
      if (model.value("state", "") == "ready" && problem.empty()) return;
      if (problem.find("hyps deploy") != std::string::npos || model.contains("refused")) {
        deploy({"--no-wait"});
      }
      client_.listen(200);
    }
    FAIL() << "not healed: " << problem;
  }

  // One that has nothing in its cache: what it computes with comes from the hub.
  void expect_a_new_worker_serves() {
    for (const auto& worker : cluster_.worker_names()) cluster_.kill(worker);
    cluster_.add_worker({"fresh"});
    cluster_.start("fresh");
    expect_still_answering(60'000);
  }

  Random random_{7};
};

TEST_P(Disk, RotsWhileTheHubIsDown) {
  start_and_deploy();
  fill();
  ASSERT_GT(damage_files(), 0) << "no file of this kind";
  start_or_restore();
  expect_all_answered(true);
  expect_still_answering(60'000);
}

class Blobs : public Disk {};

// Blob files hold pictures, feature maps, and the files of models and bundles.
TEST_P(Blobs, RotWhileTheHubIsDown) {
  cluster_.set("hub", "scrub_period_ms=20");
  start_and_deploy();
  fill();
  ASSERT_GT(damage_files(), 0) << "no file of this kind";
  start_or_restore();
  heal();
  expect_all_answered(true);
  expect_still_answering(60'000);
  expect_a_new_worker_serves();
}

INSTANTIATE_TEST_SUITE_P(Files, Blobs,
                         testing::Values(Damage{"Flipped", ".blob"},
                                         Damage{"Truncated", ".blob", true}),
                         [](const auto& param_info) { return param_info.param.name; });

INSTANTIATE_TEST_SUITE_P(Files, Disk,
                         testing::Values(Damage{"FlippedLog", ".log"},
                                         Damage{"TruncatedLog", ".log", true},
                                         Damage{"TruncatedTable", ".sst", true}),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace hyps::test
