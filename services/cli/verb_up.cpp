// hyps up: a cluster of real processes on this machine, in the foreground.
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "common/base/file.hpp"
#include "common/base/port.hpp"
#include "common/base/units.hpp"
#include "common/runtime/event_loop.hpp"
#include "services/cli/children.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/cluster_note.hpp"

namespace hyps::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  int workers = 4;
  std::string memory = "256M";
  int threads = 1;
  int open_workers = 0;
  int port = 0;
  std::string folder;
  bool restart_workers = false;
};

// Settings as in deploy/mosquitto.conf, which explains them. Started by root it would become
// another user, at which the kernel forgets the death signal: it would outlive a killed `hyps up`.
std::string mosquitto_config(int port) {
  return fmt::format(
      "listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
      "max_packet_size 17825792\nmax_inflight_messages 100\nmax_inflight_bytes 8388608\n"
      "max_queued_messages 20000\nmax_queued_bytes 134217728\n"
      "log_dest stderr\nlog_type error\nlog_type warning\n{}",
      port, ::geteuid() == 0 ? "user root\n" : "");
}

Result<std::string> find_mosquitto() {
  for (const char* path :
       {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"}) {
    if (fs::exists(path)) return std::string(path);
  }
  return Error{ErrorKind::not_found, "no mosquitto on this machine; run deploy/install.sh run"};
}

// Else mosquitto would not start, and whoever has the port would be taken for it.
Status check_port(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Error{ErrorKind::io, std::string("no socket: ") + std::strerror(errno)};
  const int yes = 1;  // as mosquitto does: connections that are being forgotten are no obstacle
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  const int reason = errno;
  ::close(fd);
  if (bound == 0) return {};
  return Error{
      ErrorKind::io,
      fmt::format("port {} of 127.0.0.1 {}: leave --port out, and a free one is found", port,
                  reason == EADDRINUSE ? "is taken by another program"
                                       : std::string("cannot be used, ") + std::strerror(reason))};
}

// The services' programs stand beside this one.
std::string program(const char* name) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

Status start_services(Children& children, const Options& options, const fs::path& folder,
                      int port) {
  HYPS_TRY(const std::string mosquitto, find_mosquitto());
  HYPS_CHECK(write_file(folder / "mosquitto.conf", mosquitto_config(port)));
  HYPS_CHECK(
      children.start("mosquitto", {mosquitto, "-c", (folder / "mosquitto.conf").string()}, true));
  const std::string broker = fmt::format("broker_port={}", port);
  const auto setting = [](const std::string& key, const fs::path& value) {
    return key + "=" + value.string();
  };
  HYPS_CHECK(children.start(
      "hub",
      {program("hyps-hub"), "--set", broker, "--set", setting("data_folder", folder / "hub")},
      true));
  HYPS_CHECK(children.start(
      "manager",
      {program("hyps-manager"), "--set", broker, "--set", setting("cache_dir", folder / "manager")},
      true));
  HYPS_CHECK(children.start("voter", {program("hyps-voter"), "--set", broker}, true));
  for (int i = 1; i <= options.workers; ++i) {
    const std::string name = fmt::format("w{}", i);
    const bool safe = i <= options.workers - options.open_workers;
    HYPS_CHECK(children.start(
        name,
        {program("hyps-worker"), "--set", broker, "--set", "id=" + name, "--set",
         "memory=" + options.memory, "--set", fmt::format("threads={}", options.threads), "--set",
         safe ? "zone=safe" : "zone=open", "--set", setting("cache_dir", folder / name)},
        options.restart_workers));
  }
  return {};
}

constexpr std::chrono::seconds kStartPatience{60};  // a slow machine may be busy besides

// An error's end: what `name` said last. Logs that are kept are named too.
std::string log_text(const Children& children, const Options& options, const std::string& name,
                     std::string last_words) {
  if (!last_words.empty()) last_words.pop_back();  // the line's end
  std::string text = last_words.empty() ? "; its log is empty" : "; its log ends:\n" + last_words;
  if (!options.folder.empty()) text += "\nall of it: " + children.log_of(name).string();
  return text;
}

Status check_alive(Children& children, const Options& options) {
  for (const auto& death : children.reap(runtime::now().steady)) {
    return Error{ErrorKind::invalid,
                 fmt::format("{} does not start ({}){}", death.name, death.how,
                             log_text(children, options, death.name, death.last_words))};
  }
  return {};
}

// Waits until hub and workers are there; the cluster is of use from then on.
Status wait_until_up(const Cli& cli, Children& children, const Options& options) {
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  std::unique_ptr<Client> client;
  while (std::chrono::steady_clock::now() < deadline && !runtime::stop_requested().load()) {
    HYPS_CHECK(check_alive(children, options));
    if (!client) {
      auto connected = Client::connect(cli, Milliseconds(2000));
      if (connected.ok()) client = std::move(*connected);
      continue;
    }
    const auto status = client->query("status", {}, Milliseconds(2000));
    if (status.ok() && status->value("workers_online", 0) >= options.workers) {
      return check_alive(children, options);
    }
    std::this_thread::sleep_for(Milliseconds(100));
  }
  return Error{ErrorKind::disconnected,
               fmt::format("hub and workers are not there after {} s{}", kStartPatience.count(),
                           log_text(children, options, "hub", children.last_words_of("hub")))};
}

// Set by SIGUSR1 (`hyps chaos` sends it): start again who is dead.
std::atomic<bool> revive_requested{false};

void install_revive_handler() {
  struct sigaction action {};
  action.sa_handler = [](int) { revive_requested = true; };
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGUSR1, &action, nullptr);
}

void supervise(Children& children, ClusterNote& note) {
  while (!runtime::stop_requested().load()) {
    if (revive_requested.exchange(false)) children.revive();
    for (const auto& death : children.reap(runtime::now().steady)) {
      fmt::print("{} is gone: {}{}\n{}", death.name, death.how,
                 death.restarting ? "; starting it again" : "", death.last_words);
      (void)std::fflush(stdout);
    }
    note.update(children.pids());
    std::this_thread::sleep_for(Milliseconds(20));
  }
}

Result<int> run(Cli& cli, const Options& options) {
  HYPS_TRY(const std::int64_t memory, parse_bytes(options.memory));
  std::unique_ptr<TemporaryFolder> temporary;
  if (options.folder.empty()) temporary = std::make_unique<TemporaryFolder>("hyps-up");
  const fs::path folder = options.folder.empty() ? temporary->path() : fs::absolute(options.folder);
  std::error_code error;
  fs::create_directories(folder / "logs", error);
  if (error)
    return Error{ErrorKind::io, "cannot create " + folder.string() + ": " + error.message()};
  int port = options.port;
  if (port == 0) {
    HYPS_TRY(port, free_port());
  } else {
    HYPS_CHECK(check_port(port));
  }
  runtime::install_signal_handlers();
  install_revive_handler();
  Children children(folder / "logs");
  HYPS_CHECK(start_services(children, options, folder, port));
  cli.broker = fmt::format("127.0.0.1:{}", port);
  HYPS_CHECK(wait_until_up(cli, children, options));
  ClusterNote note(cli.broker, children.pids());
  fmt::print(
      "broker   {}\ndata     {}{}\nlogs     {}\nworkers  {} with {} and {} thread(s) each\n"
      "pids     mosquitto {}, hub {}, manager {}, voter {}",
      cli.broker, folder.string(), temporary ? " (removed at the end; --dir keeps it)" : "",
      (folder / "logs").string(), options.workers, format_bytes(memory), options.threads,
      children.pid_of("mosquitto"), children.pid_of("hub"), children.pid_of("manager"),
      children.pid_of("voter"));
  for (int i = 1; i <= options.workers; ++i) {
    fmt::print(", w{} {}", i, children.pid_of(fmt::format("w{}", i)));
  }
  fmt::print(
      "\n\nThe cluster is up; Ctrl-C ends it. In another terminal:\n"
      "  hyps deploy MODEL.onnx\n  hyps infer IMAGE\n  hyps watch\n");
  (void)std::fflush(stdout);
  supervise(children, note);
  fmt::print("stopping\n");
  return kOk;
}

}  // namespace

void add_up(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("up", "Start a local cluster in the foreground", false);
  verb->add_option("--workers", options->workers, "How many")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  verb->add_option("--memory", options->memory,
                   "All that each worker may hold: partitions, inputs, results")
      ->check(number_of_bytes())
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Of each worker; 0: all the machine's")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  verb->add_option("--open", options->open_workers,
                   "So many of the workers are outside the safe zone")
      ->check(CLI::Range(0, 64));
  verb->add_option("--port", options->port, "Of the broker; 0: a free one")
      ->check(CLI::Range(0, 65535));
  verb->add_option("--dir", options->folder, "Keep data and logs here [a temporary folder]");
  verb->add_flag("--restart-workers", options->restart_workers,
                 "Start workers again that die (all others always are)");
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
