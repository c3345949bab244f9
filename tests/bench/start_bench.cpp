// How long a worker takes to load all partitions of VGG16: at its first start, which packs the
// weights and keeps them, at the next, which maps them, and without any cache. Each start is a
// process of its own, so that nothing is compiled already. Files are in the page cache.
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.hpp"
#include "common/partition/partition.hpp"
#include "common/zoo/zoo.hpp"
#include "services/manager/bundle.hpp"
#include "services/worker/open_cached.hpp"
#include "tests/bench/support/report.hpp"

namespace hyps {
namespace {

namespace fs = std::filesystem;

// Runs it in a child and gives what it returned: milliseconds.
double in_a_process(const std::function<double()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) bench::fail("no pipe");
  const pid_t child = ::fork();
  if (child < 0) bench::fail("no process");
  if (child == 0) {
    const double ms = work();
    const bool told = ::write(ends[1], &ms, sizeof(ms)) == sizeof(ms);
    ::_exit(told ? 0 : 1);
  }
  double ms = 0;
  ::close(ends[1]);
  const bool heard = ::read(ends[0], &ms, sizeof(ms)) == sizeof(ms);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!heard || status != 0) bench::fail("a start failed");
  return ms;
}

// The bundles of a plan as a worker's cache has them once they are fetched.
class Assigned {
 public:
  Assigned(const std::string& model, std::int64_t memory_bytes, fs::path cache)
      : cache_folder_(std::move(cache)) {
    auto graph = zoo::make(model, 1);
    if (!graph.ok()) bench::fail(graph.error().message);
    partition::Request request;
    request.model_name = model;
    request.threshold = {partition::Threshold::Unit::bytes, memory_bytes};
    const auto plan = partition::make_plan(*graph, request);
    if (!plan.ok()) bench::fail(plan.error().message);
    worker::BundleCache cache_files(cache_folder_, limit_);
    if (!cache_files.open().ok()) bench::fail("no cache");
    for (const auto& part : plan->partitions) {
      const fs::path bundle = cache_folder_ / "bundle";
      fs::remove_all(bundle);
      const auto written = manager::write_bundle(*graph, *plan, part, {}, bundle);
      if (!written.ok()) bench::fail(written.error().message);
      worker::Load load{loads_.size() + 1,
                        {plan->id(), part.name, partition::to_string(part.kind), 0, {}, 1}};
      for (const auto& entry : fs::directory_iterator(bundle)) {
        const auto content = map_file(entry.path());
        if (!content.ok()) bench::fail(content.error().message);
        const protocol::FileRef file{entry.path().filename(), content->size(),
                                     digest_of(content->bytes())};
        fs::rename(entry.path(), cache_files.files_folder() / file.digest.hex());
        load.partition.files.push_back(file);
      }
      loads_.push_back(std::move(load));
    }
  }

  // Opens all and keeps all.
  [[nodiscard]] double start_ms(int threads) const {
    return in_a_process([&] {
      return bench::time_ms([&] {
        worker::BundleCache cache(cache_folder_, limit_);
        if (!cache.open().ok()) ::_exit(1);
        const auto engine = engine::make_onednn_engine(threads);
        std::vector<std::unique_ptr<worker::Runner>> runners;
        for (const auto& load : loads_) {
          auto runner = worker::open_cached(load, cache, *engine);
          if (!runner.ok()) ::_exit(1);
          runners.push_back(std::move(*runner));
        }
      });
    });
  }
  void forget_packed() const { fs::remove_all(cache_folder_ / "packed"); }
  // As before there was a file: where none can be written.
  [[nodiscard]] double start_without_ms(int threads) const {
    forget_packed();
    return in_a_process([&] {
      return bench::time_ms([&] {
        worker::BundleCache cache(cache_folder_, limit_);
        if (!cache.open().ok()) ::_exit(1);
        const auto engine = engine::make_onednn_engine(threads);
        std::vector<std::unique_ptr<worker::Runner>> runners;
        for (const auto& load : loads_) {
          const auto bundle = cache.make_bundle(load.serial, load.partition.files);
          if (!bundle.ok()) ::_exit(1);
          auto runner = worker::open_bundle(*bundle, load.partition.kind, *engine);
          worker::BundleCache::remove_bundle(*bundle);
          if (!runner.ok()) ::_exit(1);
          runners.push_back(std::move(*runner));
        }
      });
    });
  }
  [[nodiscard]] std::size_t partitions() const { return loads_.size(); }

 private:
  static constexpr std::uint64_t limit_ = std::uint64_t{1} << 40U;
  fs::path cache_folder_;
  std::vector<worker::Load> loads_;
};

int measure(const bench::Options& options, const std::string& model, std::int64_t memory_mb,
            int threads) {
  const TemporaryFolder folder("hyps-bench-start");
  const Assigned assigned(model, memory_mb << 20U, folder.path());
  const auto first = [&] {
    assigned.forget_packed();
    return assigned.start_ms(threads);
  };
  const auto second = [&] { return assigned.start_ms(threads); };
  const auto without = [&] { return assigned.start_without_ms(threads); };
  const auto ms = bench::alternate(options.rounds, {without, first, second});
  bench::Report report("start", options);
  const auto name = fmt::format("{}, {} partitions", model, assigned.partitions());
  report.add({.name = name + ": second start and first",
              .unit = "ms",
              .a = {"weights mapped", ms[2]},
              .b = bench::Side{"packed and kept", ms[1]}});
  report.add({.name = name + ": second start and one without a cache",
              .unit = "ms",
              .a = {"weights mapped", ms[2]},
              .b = bench::Side{"packed in memory", ms[0]}});
  return report.finish();
}

}  // namespace
}  // namespace hyps

int main(int argc, char** argv) {
  CLI::App app{"Loading all partitions of a model: weights packed, or mapped"};
  hyps::bench::Options options;
  options.rounds = 5;
  options.add_to(app);
  std::string model = "vgg16";
  std::int64_t memory_mb = 256;
  int threads = 1;
  app.add_option("--model", model, "As hyps make-model names it")->capture_default_str();
  app.add_option("--memory", memory_mb, "Cut for workers of so many MB")->capture_default_str();
  app.add_option("--threads", threads, "Of the engine")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return hyps::bench::run([&] { return hyps::measure(options, model, memory_mb, threads); });
}
