// hyps get: lists from the hub.
#include <fmt/format.h>

#include <memory>

#include "common/base/units.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/lists.hpp"
#include "services/cli/outputs.hpp"

namespace hyps::cli {

namespace {

struct Options {
  std::string what;
  std::string job;
  std::string folder = ".";
  std::string name;
  bool failed = false;
};

// What CLI11 does not know about words that go together.
void check_usage(const Options& options) {
  if (options.failed && options.what != "jobs") {
    throw CLI::ValidationError("--failed", "it is for jobs: hyps get jobs --failed");
  }
  const bool wants_output = options.what == "output";
  if (wants_output == options.job.empty()) {
    throw CLI::ValidationError("job", wants_output ? "of which one? hyps get output JOB"
                                                   : "it is for its output: hyps get output JOB");
  }
}

Result<int> run(const Cli& cli, const Options& options) {
  const bool wants_output = options.what == "output";
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  if (wants_output) return get_outputs(cli, *client, options.job, options.folder);
  const std::string what = options.failed ? "failed_jobs" : options.what;
  HYPS_TRY(const auto reply, client->query(what, options.name));
  // Jobs outlive their model; an empty list may be a slip of the pen.
  if (!options.name.empty() && reply.contains(options.what) && reply.at(options.what).empty()) {
    HYPS_CHECK(client->check_model(options.name));
  }
  fmt::print("{}", cli.json() ? reply.dump(2) + "\n" : list_text(what, reply));
  return kOk;
}

}  // namespace

void add_get(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb(
      "get", "List workers, models, jobs, partitions or votes; fetch a job's output", true);
  verb->add_option("what", options->what, "What to list, or: output")
      ->required()
      ->check(
          CLI::IsMember({"workers", "models", "jobs", "partitions", "votes", "status", "output"}));
  verb->add_option("job", options->job, "get output: of this finished job");
  verb->add_option("--dir", options->folder, "get output: write NAME.npy files here")
      ->capture_default_str();
  verb->add_option("--model", options->name, "Only jobs or partitions of this model");
  verb->add_flag("--failed", options->failed,
                 "Only failed jobs; their input is kept (hyps describe job, hyps replay)");
  verb->callback([&cli, options] {
    check_usage(*options);
    cli.action = [&cli, options] { return run(cli, *options); };
  });
}

}  // namespace hyps::cli
