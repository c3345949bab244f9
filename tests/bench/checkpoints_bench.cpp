// A hub whose database holds many feature maps of finished jobs, against one whose database is
// empty: what a job takes, what the hub takes in memory, how long it takes to start.
#include "common/base/random.hpp"
#include "common/cnn/npy.hpp"
#include "common/partition/plan.hpp"
#include "services/hub/job.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/records.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/small_net.hpp"
#include "tests/bench/support/usage.hpp"
#include "tests/support/cluster.hpp"

namespace {

using namespace hyps;
using bench::fail;
using Clock = std::chrono::steady_clock;

constexpr const char* kModel = "small";

struct Setup {
  int jobs = 1000;
  int maps = 100;  // of each
  int map_bytes = 4096;
  int starts = 3;
};

// Writes finished jobs as a hub does. Their feature maps are noise, which no hub can make smaller.
class Filler {
 public:
  Filler(const Setup& setup, const std::filesystem::path& folder) : setup_(setup) {
    auto store = store::open_rocksdb(folder);
    if (!store.ok()) fail(store.error().message);
    store_ = std::move(*store);
  }
  void fill() {
    for (int i = 0; i < setup_.jobs; ++i) {
      if (!store_->write(job(i)).ok()) fail("the database cannot be filled");
    }
  }

 private:
  store::Batch job(int number) {
    hub::Job job;
    job.summary.id = JobId(fmt::format("{:016x}", random_.next()));
    job.summary.model = ModelName("other");
    job.summary.plan = PlanId("other@0badcafe");
    job.summary.state = hub::JobState::done;
    job.summary.sequence = static_cast<std::uint64_t>(number) + 1;
    job.summary.accepted_unix_ms = job.summary.finished_unix_ms = now_ms_ + number;
    job.summary.partitions = job.summary.stored = setup_.maps - 1;
    job.answer = R"({"job":"x","model":"other","state":"done"})";
    hub::TimelineEvent stored;
    stored.event = "stored";
    job.timeline.resize(static_cast<std::size_t>(setup_.maps) * 2, stored);
    store::Batch batch;
    for (int map = 0; map < setup_.maps; ++map) {
      const auto tensor = map == 0 ? std::string(partition::kImageTensor) : fmt::format("t{}", map);
      std::string bytes(static_cast<std::size_t>(setup_.map_bytes), '\0');
      for (char& byte : bytes) byte = static_cast<char>(random_.next());
      const protocol::TensorRef ref{tensor, bytes.size(), digest_of(bytes)};
      batch.puts.emplace_back(hub::feature_map_ref_key(job.summary.id, tensor),
                              hub::encode_ref(ref));
      batch.puts.emplace_back(hub::feature_map_key(job.summary.id, tensor), Blob::of(bytes));
    }
    batch.puts.emplace_back(hub::job_key(job.summary.id), hub::encode_job(job));
    return batch;
  }

  const Setup setup_;
  std::unique_ptr<store::Store> store_;
  Random random_{1};
  const std::int64_t now_ms_ = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
};

// A cluster whose hub keeps all that it finds.
class Subject {
 public:
  Subject(const Setup& setup, bool is_filled, const std::filesystem::path& model)
      : cluster_(test::workers(1, "16M"),
                 {"keep_finished_jobs=1000000", "keep_feature_maps=1000000",
                  "keep_feature_maps_percent=100", "disk_reserve_bytes=0"}) {
    if (is_filled) Filler(setup, cluster_.folder() / "hub").fill();
    cluster_.start_all();
    const auto deployed = cluster_.hyps({"deploy", model.string(), "--name", kModel});
    if (deployed.code != 0) fail("hyps deploy: " + deployed.errors);
    client_ = std::make_unique<bench::Client>(cluster_.port(),
                                              std::vector<std::string>{"hyps/hub/hub/status"});
    Random random(1);
    std::vector<float> values(3 * 28 * 28);
    for (float& value : values) value = random.uniform(-1, 1);
    input_ = Blob::of(cnn::to_npy(cnn::Tensor::floats({1, 3, 28, 28}, std::move(values))));
  }
  void ask() { (void)client_->ask(kModel, input_); }
  [[nodiscard]] double resident_mb() const { return bench::resident_mb(cluster_.pid("hub")); }
  // Until it says that it is online.
  double restart_ms() {
    cluster_.terminate("hub");
    return bench::time_ms([&] {
      cluster_.start("hub");
      const auto until = Clock::now() + std::chrono::seconds(120);
      while (const auto seen = client_->next(until)) {
        if (seen->message.payload.text() == protocol::kOnline && !seen->message.retained) return;
      }
      fail("the hub does not come back");
    });
  }

 private:
  test::Cluster cluster_;
  std::unique_ptr<bench::Client> client_;
  Blob input_;
};

void measure(const Setup& setup, const bench::Options& options, Subject& filled, Subject& empty) {
  const std::string a = fmt::format("{} feature maps", setup.jobs * setup.maps);
  bench::Report report("checkpoints", options);
  const auto ms = bench::alternate(options.rounds, {[&] { filled.ask(); }, [&] { empty.ask(); }});
  const auto add = [&](const char* name, const char* unit, const bench::Samples& of_filled,
                       const bench::Samples& of_empty, bool has_aim) {
    bench::Row row{.name = name,
                   .unit = unit,
                   .a = {a, of_filled},
                   .b = bench::Side{"empty database", of_empty}};
    if (has_aim) row.aim = bench::ratio_at_most(1.10);
    report.add(row);
  };
  add("latency of a job", "ms", ms[0], ms[1], true);
  add("resident set of the hub, from its start", "MB", {filled.resident_mb()},
      {empty.resident_mb()}, false);
  const auto start = bench::alternate(
      setup.starts, {[&] { return filled.restart_ms(); }, [&] { return empty.restart_ms(); }});
  for (int i = 0; i < 200; ++i) {
    filled.ask();
    empty.ask();
  }
  add("resident set of the hub, started again", "MB", {filled.resident_mb()}, {empty.resident_mb()},
      true);
  add("start of the hub", "ms", start[0], start[1], false);
  if (report.finish() != EXIT_SUCCESS) fail("the rows cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"A hub with many stored feature maps against one with none"};
  Setup setup;
  bench::Options options{.rounds = 1000, .json_file = {}};
  options.add_to(app);
  app.add_option("--jobs", setup.jobs, "Finished jobs in the database")->capture_default_str();
  app.add_option("--maps", setup.maps, "Feature maps of each")->capture_default_str();
  app.add_option("--map-bytes", setup.map_bytes)->capture_default_str();
  app.add_option("--starts", setup.starts)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] {
    const auto graph = bench::small_net();
    if (!graph.ok()) fail(graph.error().message);
    const TemporaryFolder folder("hyps-bench");
    const auto model = bench::save_model(*graph, folder.path());
    Subject filled(setup, true, model);
    Subject empty(setup, false, model);
    measure(setup, options, filled, empty);
    return EXIT_SUCCESS;
  });
}
