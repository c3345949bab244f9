// Assembly (private to this folder): from ranges of nodes to the named partitions of a plan.
#pragma once

#include <string>
#include <vector>

#include "common/partition/divisions.hpp"
#include "common/partition/partition.hpp"

namespace hyps::partition {

// "fc6_out#1.4"
std::string slice_name(const std::string& tensor, std::int64_t index, std::int64_t count);

class Assembly {
 public:
  // Borrows everything.
  Assembly(const cnn::Graph& graph, const Flow& flow, const std::vector<Layer>& layers,
           const std::vector<Division>& sliced);

  // In the order of the nodes. joined: as in Sweep.
  void add_vertical(cnn::Range nodes, int joined);
  void add_siblings(const Division& sliced);
  Result<Plan> finish(const Request& request);

 private:
  [[nodiscard]] std::vector<std::string> layer_names(cnn::Range nodes, int joined) const;
  [[nodiscard]] std::vector<cnn::Value> slices_of(int id) const;
  [[nodiscard]] bool is_secret(const std::string& value) const;
  [[nodiscard]] Partition ingest() const;
  [[nodiscard]] Partition report() const;

  const cnn::Graph& graph_;
  const Flow& flow_;
  const std::vector<Layer>& layers_;
  const std::vector<Division>& sliced_;
  std::vector<Partition> partitions_;
  int verticals_ = 0;
  int sliced_layers_ = 0;
  int tiled_groups_ = 0;
};

}  // namespace hyps::partition
