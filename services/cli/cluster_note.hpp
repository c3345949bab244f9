// What `hyps up` tells the other verbs of this user: where its broker is, and who its children are.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "common/base/result.hpp"

namespace hyps::cli {

std::filesystem::path broker_file();  // ~/.hyps/broker: HOST:PORT
std::filesystem::path nodes_file();   // ~/.hyps/nodes: a line "NAME PID" each; PID 0: dead

// Name → process; 0: not running.
using Pids = std::map<std::string, pid_t>;

// There while this lives.
class ClusterNote {
 public:
  ClusterNote(const std::string& broker, const Pids& children);
  ~ClusterNote();
  ClusterNote(const ClusterNote&) = delete;
  ClusterNote& operator=(const ClusterNote&) = delete;
  void update(const Pids& children);  // writes only what is news

 private:
  Pids written_;
};

struct LocalCluster {
  pid_t up = 0;  // the process of `hyps up`; SIGUSR1 has it start again who is dead
  Pids nodes;
};
// Of the last running `hyps up`. A process that is no child of it counts as dead: its number may be
// somebody else's by now. Errors: not_found, if none runs.
Result<LocalCluster> find_local_cluster();

}  // namespace hyps::cli
