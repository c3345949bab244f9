// hyps watch: workers, partitions and jobs, live in the terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>

#include "common/runtime/event_loop.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/lists.hpp"

namespace hyps::cli {

namespace {

constexpr std::size_t kJobsShown = 10;

Result<std::string> picture(Client& client) {
  HYPS_TRY(const auto status, client.query("status"));
  HYPS_TRY(const auto workers, client.query("workers"));
  HYPS_TRY(const auto partitions, client.query("partitions"));
  HYPS_TRY(auto jobs, client.query("jobs"));
  auto& rows = jobs.at("jobs");
  if (rows.size() > kJobsShown) rows.erase(rows.begin() + kJobsShown, rows.end());
  return fmt::format("{}\n{}\n{}\n{}", list_text("status", status), list_text("workers", workers),
                     list_text("partitions", partitions), list_text("jobs", jobs));
}

Result<int> run(const Cli& cli, int period_ms) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  const bool terminal = ::isatty(1) == 1;
  runtime::install_signal_handlers();
  while (!runtime::stop_requested().load()) {
    const auto text = picture(*client);
    if (!terminal) {  // one picture, for a script or a file
      if (!text) return text.error();
      fmt::print("{}", *text);
      return kOk;
    }
    // The hub may be restarting: say so and go on looking.
    fmt::print("\x1b[H\x1b[J{}\n(Ctrl-C ends)\n", text ? *text : text.error().message + "\n");
    (void)std::fflush(stdout);
    std::this_thread::sleep_for(Milliseconds(period_ms));
  }
  return kOk;
}

}  // namespace

void add_watch(Cli& cli) {
  auto period_ms = std::make_shared<int>(500);
  CLI::App* verb = cli.add_verb("watch", "Watch workers, partitions and jobs live", false);
  verb->add_option("--period-ms", *period_ms, "Time between two looks")
      ->check(CLI::Range(50, 60'000))
      ->capture_default_str();
  verb->callback(
      [&cli, period_ms] { cli.action = [&cli, period_ms] { return run(cli, *period_ms); }; });
}

}  // namespace hyps::cli
