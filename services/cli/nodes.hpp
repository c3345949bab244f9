// The processes of a running cluster, to do harm to: those of `hyps up` by their process ids, those
// of a compose project through the docker program.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"

namespace hyps::cli {

class Nodes {
 public:
  virtual ~Nodes() = default;

  // All there are, dead ones too.
  virtual Result<std::vector<std::string>> names() = 0;

  // At once and without a word. All but workers come back by themselves.
  virtual Status kill(const std::string& node) = 0;
  // It does nothing, and keeps its connections.
  virtual Status pause(const std::string& node) = 0;
  virtual Status resume(const std::string& node) = 0;
  // So many percent of one processor.
  virtual Status slow(const std::string& node, int percent) = 0;
  virtual Status unslow(const std::string& node) = 0;
  // Starts who is dead, resumes who is paused.
  virtual Status heal() = 0;
};

Result<std::unique_ptr<Nodes>> local_nodes();
Result<std::unique_ptr<Nodes>> compose_nodes(const std::string& project);

inline bool is_worker(const std::string& node) {
  return node != "mosquitto" && node != "hub" && node != "manager" && node != "voter";
}

}  // namespace hyps::cli
