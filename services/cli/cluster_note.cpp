#include "services/cli/cluster_note.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/base/file.hpp"

namespace hyps::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUp = "up";
constexpr std::size_t kMaxNoteBytes = 64U << 10U;

fs::path note_folder() {
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
  return fs::path(home == nullptr || *home == '\0' ? "/tmp" : home) / ".hyps";
}

std::string text_of(const Pids& children) {
  std::string text = fmt::format("{} {}\n", kUp, ::getpid());
  for (const auto& [name, pid] : children) text += fmt::format("{} {}\n", name, pid);
  return text;
}

// 0: there is no such process. /proc/PID/stat is "PID (NAME) STATE PARENT …", and NAME is anything.
pid_t parent_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string stat((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  fields >> state >> parent;
  return state == "Z" ? 0 : parent;
}

}  // namespace

fs::path broker_file() { return note_folder() / "broker"; }
fs::path nodes_file() { return note_folder() / "nodes"; }

ClusterNote::ClusterNote(const std::string& broker, const Pids& children) {
  std::error_code ignored;  // without a home the others need --broker
  fs::create_directories(note_folder(), ignored);
  (void)write_file(broker_file(), broker + "\n");
  update(children);
}

ClusterNote::~ClusterNote() {
  std::error_code ignored;
  fs::remove(broker_file(), ignored);
  fs::remove(nodes_file(), ignored);
}

void ClusterNote::update(const Pids& children) {
  if (children == written_) return;
  if (write_file(nodes_file(), text_of(children)).ok()) written_ = children;
}

Result<LocalCluster> find_local_cluster() {
  const Error none{ErrorKind::not_found,
                   "no cluster of `hyps up` runs here; for containers say --project NAME"};
  const auto file = read_file(nodes_file(), kMaxNoteBytes);
  if (!file) return none;
  LocalCluster cluster;
  std::istringstream lines{std::string(file->text())};
  std::string name;
  pid_t pid = 0;
  while (lines >> name >> pid) {
    if (name == kUp) {
      cluster.up = pid;
    } else {
      cluster.nodes[name] = pid;
    }
  }
  if (cluster.up <= 0 || parent_of(cluster.up) == 0) return none;
  for (auto& [node, process] : cluster.nodes) {
    if (process > 0 && parent_of(process) != cluster.up) process = 0;
  }
  return cluster;
}

}  // namespace hyps::cli
