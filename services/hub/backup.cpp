#include "services/hub/backup.hpp"

#include <nlohmann/json.hpp>

#include "services/hub/models.hpp"

namespace hyps::hub {

namespace {

constexpr std::size_t kMaxNameBytes = 200;

// Names joined by '/': none of them is empty or begins with a dot, so it leads nowhere but down.
bool leads_down(std::string_view name) {
  if (name.size() > kMaxNameBytes) return false;
  for (;;) {
    const std::size_t slash = name.find('/');
    if (!is_valid_name(std::string(name.substr(0, slash)))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

Status check(const State& s, const protocol::Backup& backup) {
  if (s.backup.running) {
    return Error{ErrorKind::overloaded,
                 "the backup " + s.backup.name + " is being written; ask again when it is done"};
  }
  if (!leads_down(backup.name)) {
    return Error{ErrorKind::invalid,
                 "'" + backup.name +
                     "' cannot be a backup's name: it is a folder below the hub's backup_folder, "
                     "such as monday or 2026/monday"};
  }
  return {};
}

void answer(State& s) {
  const BackupState& backup = s.backup;
  if (!backup.folder.ok()) return refuse(s, backup.peer, backup.request, backup.folder.error());
  s.send(backup.peer, protocol::Reply{backup.request,
                                      dump({{"backup", backup.name}, {"folder", *backup.folder}})});
}

}  // namespace

void on_backup(State& s, const Peer& peer, const protocol::Backup& backup) {
  // The same request again, because its answer is late or was lost.
  if (s.backup.peer == peer && s.backup.request == backup.request) {
    if (!s.backup.running) answer(s);
    return;
  }
  if (const Status status = check(s, backup); !status.ok()) {
    return refuse(s, peer, backup.request, status.error());
  }
  s.backup = {peer, backup.request, backup.name, true, std::string()};
  s.log(Log::Level::info, "backup.begun", {{"backup", backup.name}});
  s.effects.emplace_back(WriteBackup{backup.name});
}

void on_backup_written(State& s, const BackupWritten& event) {
  s.backup.running = false;
  s.backup.folder = event.folder;
  if (event.folder.ok()) {
    s.log(Log::Level::info, "backup.written", {{"folder", *event.folder}});
  } else {
    s.log(Log::Level::error, "backup.failed", {{"error", event.folder.error().message}});
  }
  answer(s);
}

}  // namespace hyps::hub
