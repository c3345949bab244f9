// Plan: the partitions of one model and the tensors between them. A pure value: printable,
// diffable, JSON in and out. Edges are names: a partition's input is the output of another one
// with that name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/digest.hpp"
#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/partition/layers.hpp"
#include "common/partition/replication.hpp"

namespace hyps::partition {

inline constexpr std::size_t kMaxPartitions = 4096;
inline constexpr std::size_t kMaxPlanJsonBytes = 8 << 20;

inline constexpr const char* kImageTensor = "@image";    // what a user sent, bytes
inline constexpr const char* kAnswerTensor = "@answer";  // JSON, bytes

enum class Kind {
  ingest,
  vertical,
  horizontal,  // some neurons or channels of one layer
  tile,        // some rows of the result of a group of layers (fused tiles: Zhao et al. 2018)
  report,
};
const char* to_string(Kind kind);
bool has_layers(Kind kind);  // a part of the network: all but ingest and report
bool is_sibling(Kind kind);  // one of several that make slices of one tensor

struct Partition {
  PartitionName name;  // "ingest", "v01", "h02.1", "t01.0", …, "report"
  Kind kind = Kind::vertical;
  bool safe_zone = false;           // may run on safe-zone workers only: it sees image or answer
  std::vector<std::string> layers;  // names, for people
  cnn::Range nodes;                 // indices into the model graph's nodes
  int slice_axis = -1;              // siblings: axis of the tensor they make
  cnn::Range slice;                 //   and range along it
  int slice_index = 0;              //   i of
  int slice_count = 1;              //   n
  std::vector<cnn::Value> inputs;   // shapes; @image has type u8 and shape {}
  std::vector<cnn::Value> outputs;  // a slice of tensor T is named "T#<i>.<n>"
  cnn::Cost cost;
  std::int64_t activation_bytes = 0;  // peak of live feature maps while it runs, inputs included
  Replication replication;

  // What a worker must have free to run it.
  [[nodiscard]] std::int64_t memory_bytes() const { return cost.weight_bytes + activation_bytes; }
};

// What the plan was made for, and what its placement is chosen by.
enum class Objective {
  latency,     // one image in the shortest time
  throughput,  // a stream of images: the busiest device has as little to do for each as possible
};
const char* to_string(Objective objective);
// Errors: invalid.
Result<Objective> objective_named(const std::string& name);

struct Plan {
  std::string model;    // name
  Digest model_digest;  // of the graph it was made for (digest_of below)
  Threshold threshold;
  Objective objective = Objective::latency;
  std::vector<Partition> partitions;  // topological order; ingest first, report last

  [[nodiscard]] PlanId id() const;  // from the content
  [[nodiscard]] const Partition* find(const PartitionName& name) const;
};

// Every partition of layers gets it; ingest and report do not, they are trusted.
void replicate(Plan& plan, const Replication& replication);

// high: of the structure (nodes, attributes, shapes), cheap, which extract compares; low: of the
// weights' bytes too, which reads them all.
Digest digest_of(const cnn::Graph& graph);
std::uint64_t structure_digest_of(const cnn::Graph& graph);

std::string to_json(const Plan& plan);  // schema: README.md
Result<Plan> plan_from_json(const std::string& text);
// Partitions in topological order, each input produced exactly once before, names valid and unique.
Status check(const Plan& plan);

std::string to_table(const Plan& plan);  // for a terminal
// For a browser: partitions left to right, sizes of weights and feature maps, and who runs what
// (worker_of[i] belongs to partitions[i]; empty: not assigned).
std::string to_svg(const Plan& plan, const std::vector<std::string>& worker_of);

}  // namespace hyps::partition
