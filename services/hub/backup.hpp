// Backups, asked for by clients.
#pragma once

#include "services/hub/state.hpp"

namespace hyps::hub {

void on_backup(State& s, const Peer& peer, const protocol::Backup& backup);
void on_backup_written(State& s, const BackupWritten& event);

}  // namespace hyps::hub
