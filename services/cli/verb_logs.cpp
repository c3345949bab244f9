// hyps logs: a job's timeline.
#include <fmt/format.h>

#include <memory>

#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/lists.hpp"

namespace hyps::cli {

namespace {

Result<int> run(const Cli& cli, const std::string& job) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply, client->query("job", job));
  const auto& timeline = reply.at("timeline");
  fmt::print("{}", cli.json() ? timeline.dump(2) + "\n" : timeline_text(timeline));
  return kOk;
}

}  // namespace

void add_logs(Cli& cli) {
  auto job = std::make_shared<std::string>();
  CLI::App* verb = cli.add_verb("logs", "Show the timeline of a job", true);
  verb->add_option("job", *job, "The job, as in `hyps get jobs`")->required();
  verb->callback([&cli, job] { cli.action = [&cli, job] { return run(cli, *job); }; });
}

}  // namespace hyps::cli
