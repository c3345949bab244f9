// hyps replay: the input of a finished job once more, as a new job.
#include <fmt/format.h>

#include <memory>

#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"

namespace hyps::cli {

namespace {

Result<int> run(const Cli& cli, const std::string& job) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply,
           client->request(protocol::Replay{0, JobId(job), JobId(random_name())}));
  if (cli.json()) {
    fmt::print("{}\n", reply.dump(2));
    return kOk;
  }
  const std::string again = reply.value("job", "");
  fmt::print("{} is asked again as {}; see hyps logs {}, or hyps/{}/output\n", job, again, again,
             reply.value("model", ""));
  return kOk;
}

}  // namespace

void add_replay(Cli& cli) {
  auto job = std::make_shared<std::string>();
  CLI::App* verb = cli.add_verb(
      "replay", "Ask again with the input of a finished job whose input is kept", true);
  verb->add_option("job", *job, "The job, as in `hyps get jobs --failed`")->required();
  verb->callback([&cli, job] { cli.action = [&cli, job] { return run(cli, *job); }; });
}

}  // namespace hyps::cli
