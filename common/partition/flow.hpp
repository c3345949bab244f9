// Flow (private to this folder): a graph's values as numbers, with who makes and who reads each, so
// that the memory and the edges of any run of nodes are found in one pass over it.
#pragma once

#include <string>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/cnn/operator.hpp"

namespace hyps::partition {

class Flow {
 public:
  static constexpr int kModelInput = -1;
  static constexpr int kNever = -1;

  struct Tracked {
    const cnn::Value* value = nullptr;
    std::int64_t bytes = 0;
    int producer = kModelInput;  // node index
    int last_use = kNever;       // node index
    bool output = false;         // of the model
  };
  struct Weight {
    std::int64_t parameters = 0;
    std::int64_t bytes = 0;
  };
  struct Read {
    int id = 0;             // of a value or a weight
    int previous = kNever;  // the node that read it before this one
  };
  struct Step {
    std::vector<Read> reads;    // values; each once
    std::vector<Read> weights;  // each once
    std::vector<int> writes;    // values
    std::int64_t flops = 0;
  };

  // Borrows the graph. REQUIRES: infer_shapes succeeded.
  explicit Flow(const cnn::Graph& graph);

  [[nodiscard]] int size() const { return static_cast<int>(steps_.size()); }
  [[nodiscard]] const Step& step(int node) const { return steps_[static_cast<std::size_t>(node)]; }
  [[nodiscard]] const Tracked& tracked(int id) const {
    return values_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] const Weight& weight(int id) const {
    return weights_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] int id_of(const std::string& value_name) const { return ids_.at(value_name); }
  [[nodiscard]] bool is_value(const std::string& name) const { return ids_.contains(name); }

  // Ids of the values made before node `boundary` and read at or after it.
  [[nodiscard]] std::vector<int> crossing(int boundary) const;
  // Whether anything but the nodes of `range` needs the value (the model's outputs count).
  [[nodiscard]] bool needed_outside(int id, cnn::Range range) const;

 private:
  void add_value(const cnn::Value& value, int producer);
  void add_node(const cnn::Graph& graph, int index, std::map<std::string, int>& weight_ids,
                std::vector<int>& last_weight_use);

  std::vector<Tracked> values_;
  std::vector<Weight> weights_;
  std::vector<Step> steps_;
  std::map<std::string, int> ids_;
};

// The cost and memory of a partition that begins at a node and grows to the right. Its inputs stay
// in memory while it runs (the caller holds them), other values from the node that makes them to
// their last reader, outputs to the end. Memory never shrinks as it grows.
class Sweep {
 public:
  // joined: the value put together from its slices before anything else, or -1.
  Sweep(const Flow& flow, int begin, int joined);

  void add_next();
  [[nodiscard]] int end() const { return end_; }
  [[nodiscard]] const cnn::Cost& cost() const { return cost_; }
  [[nodiscard]] std::int64_t activation_bytes() const { return inputs_ + peak_; }

 private:
  [[nodiscard]] bool is_inside(int id) const;
  void release_after(int id, int node);

  const Flow& flow_;
  int begin_;
  int end_;
  int joined_;
  std::int64_t inputs_ = 0;
  std::int64_t live_ = 0;
  std::int64_t peak_ = 0;
  cnn::Cost cost_;
};

Sweep sweep_over(const Flow& flow, cnn::Range nodes, int joined = -1);

// What enters and leaves a run of nodes as a partition of its own; `joined` as in Sweep (it is not
// among the inputs: its slices are).
struct Edges {
  std::vector<int> inputs;  // in order of first use
  std::vector<int> outputs;
};
Edges edges_of(const Flow& flow, cnn::Range nodes, int joined = -1);

}  // namespace hyps::partition
