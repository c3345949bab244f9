// A worker process that has VGG16 to itself, from its start until all its partitions are loaded:
// the first time, when it fetches 553 MB from the hub, packs them and keeps them; and later, when
// it has them. What of the latter is loading alone, bench_start says.
#include "tests/bench/support/cluster.hpp"
#include "tests/support/client.hpp"
#include "tests/support/cluster.hpp"

namespace hyps {
namespace {

constexpr int kDeploy_ms = 900'000;

class Restarts {
 public:
  explicit Restarts(const std::filesystem::path& model) {
    cluster_.add_worker({"w1", "0"});
    cluster_.start_all();
    client_ = std::make_unique<test::Client>(cluster_.port());
    const auto deployed = cluster_.hyps(
        {"deploy", model.string(), "--name", "vgg16", "--timeout", "800"}, kDeploy_ms);
    if (deployed.code != 0) bench::fail("deploy: " + deployed.errors);
    partitions_ = client_->query("workers").at("workers").at(0).at("assigned").size();
    if (partitions_ == 0) bench::fail("nothing is assigned to the worker");
  }

  double first_ms() {
    stop();
    std::filesystem::remove_all(cluster_.folder() / "w1");
    return start_ms();
  }
  double later_ms() {
    stop();
    return start_ms();
  }
  [[nodiscard]] std::size_t partitions() const { return partitions_; }

 private:
  void stop() {
    cluster_.kill("w1");
    const auto is_gone = [](const test::json& workers) {
      return !workers.at("workers").at(0).at("online").get<bool>();
    };
    if (!client_->wait_query("workers", "", is_gone)) bench::fail("the worker is not missed");
  }
  double start_ms() {
    return bench::time_ms([&] {
      cluster_.start("w1");
      const auto is_ready = [&](const test::json& workers) {
        const auto& worker = workers.at("workers").at(0);
        return worker.at("online").get<bool>() && worker.at("loaded").size() == partitions_;
      };
      if (!client_->wait_query("workers", "", is_ready, kDeploy_ms)) {
        bench::fail("the worker does not get ready: " + cluster_.log("w1"));
      }
    });
  }

  test::Cluster cluster_;
  std::unique_ptr<test::Client> client_;
  std::size_t partitions_ = 0;
};

int measure(const bench::Options& options) {
  const TemporaryFolder folder("hyps-bench-model");
  Restarts restarts(bench::save_model(bench::zoo_model("vgg16"), folder.path()));
  const auto ms = bench::alternate(
      options.rounds, {[&] { return restarts.first_ms(); }, [&] { return restarts.later_ms(); }});
  bench::Report report("restart", options);
  report.add({.name = fmt::format("vgg16, {} partitions: worker process until all are loaded",
                                  restarts.partitions()),
              .unit = "ms",
              .a = {"later starts", ms[1]},
              .b = bench::Side{"first start", ms[0]},
              .aim = bench::ratio_at_most(0.10)});
  return report.finish();
}

}  // namespace
}  // namespace hyps

int main(int argc, char** argv) {
  CLI::App app{"A worker's first start with VGG16 and later ones"};
  hyps::bench::Options options;
  options.rounds = 3;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);
  return hyps::bench::run([&] { return hyps::measure(options); });
}
