// hyps backup: a copy of the hub's store, made while it runs.
#include <fmt/format.h>

#include <memory>

#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"

namespace hyps::cli {

namespace {

struct Options {
  std::string folder;
  int timeout_s = 600;
};

Result<int> run(const Cli& cli, const Options& options) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply, client->request(protocol::Backup{0, options.folder},
                                             Milliseconds(1000LL * options.timeout_s)));
  if (cli.json()) {
    fmt::print("{}\n", reply.dump(2));
    return kOk;
  }
  const std::string folder = reply.value("folder", "");
  fmt::print(
      "written on the hub's machine: {}\n"
      "a hub that goes on from it:   hyps-hub --set data_folder={}\n",
      folder, folder);
  return kOk;
}

}  // namespace

void add_backup(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb(
      "backup", "Copy all that the hub has stored, on the hub's machine, while it runs", true);
  verb->add_option("dir", options->folder,
                   "Folder to be made below the hub's backup_folder (a name, or names joined by /)")
      ->required();
  verb->add_option("--timeout", options->timeout_s, "Seconds to wait until it is written")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
