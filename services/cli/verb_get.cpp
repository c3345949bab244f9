// hyps get: lists from the hub.
#include <fmt/format.h>

#include <memory>

#include "common/base/units.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/lists.hpp"

namespace hyps::cli {

namespace {

struct Options {
  std::string what;
  std::string name;
  bool failed = false;
};

Result<int> run(const Cli& cli, const Options& options) {
  if (options.failed && options.what != "jobs") {
    return Error{ErrorKind::invalid, "--failed is for jobs: hyps get jobs --failed"};
  }
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  const std::string what = options.failed ? "failed_jobs" : options.what;
  HYPS_TRY(const auto reply, client->query(what, options.name));
  fmt::print("{}", cli.json() ? reply.dump(2) + "\n" : list_text(what, reply));
  return kOk;
}

}  // namespace

void add_get(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("get", "List workers, models, jobs, partitions or votes", true);
  verb->add_option("what", options->what, "What to list")
      ->required()
      ->check(CLI::IsMember({"workers", "models", "jobs", "partitions", "votes", "status"}));
  verb->add_option("--model", options->name, "Only jobs or partitions of this model");
  verb->add_flag("--failed", options->failed,
                 "Only failed jobs; their input is kept (hyps describe job, hyps replay)");
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
