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
};

Result<int> run(const Cli& cli, const Options& options) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply, client->query(options.what, options.name));
  fmt::print("{}", cli.json() ? reply.dump(2) + "\n" : list_text(options.what, reply));
  return kOk;
}

}  // namespace

void add_get(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("get", "List workers, models, jobs or partitions", true);
  verb->add_option("what", options->what, "What to list")
      ->required()
      ->check(CLI::IsMember({"workers", "models", "jobs", "partitions", "status"}));
  verb->add_option("--model", options->name, "Only jobs or partitions of this model");
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
