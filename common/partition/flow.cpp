#include "common/partition/flow.hpp"

#include <algorithm>

#include "common/cnn/limits.hpp"

namespace hyps::partition {

namespace {

// As cnn::cost_of counts: constants of other types are settings, not parameters.
Flow::Weight weight_of(const cnn::Tensor& tensor) {
  if (tensor.type != cnn::DType::f32) return {};
  const std::int64_t count = cnn::element_count(tensor.shape);
  return {count, 4 * count};
}

}  // namespace

void Flow::add_value(const cnn::Value& value, int producer) {
  ids_.emplace(value.name, static_cast<int>(values_.size()));
  values_.push_back({&value, value.bytes(), producer, kNever, false});
}

void Flow::add_node(const cnn::Graph& graph, int index, std::map<std::string, int>& weight_ids,
                    std::vector<int>& last_weight_use) {
  const cnn::Node& node = graph.nodes[static_cast<std::size_t>(index)];
  Step step;
  step.flops = cnn::cost_of(graph, node).flops;
  for (const auto& name : node.inputs) {
    if (const auto value = ids_.find(name); value != ids_.end()) {
      Tracked& tracked = values_[static_cast<std::size_t>(value->second)];
      if (tracked.last_use == index) continue;
      step.reads.push_back({value->second, tracked.last_use});
      tracked.last_use = index;
    } else if (const auto found = graph.weights.find(name); found != graph.weights.end()) {
      const auto [weight, is_new] = weight_ids.emplace(name, static_cast<int>(weights_.size()));
      if (is_new) {
        weights_.push_back(weight_of(found->second));
        last_weight_use.push_back(kNever);
      }
      int& last_use = last_weight_use[static_cast<std::size_t>(weight->second)];
      if (last_use == index) continue;
      step.weights.push_back({weight->second, last_use});
      last_use = index;
    }
  }
  for (const auto& name : node.outputs) {
    if (name.empty()) continue;
    step.writes.push_back(static_cast<int>(values_.size()));
    add_value(graph.value(name), index);
  }
  steps_.push_back(std::move(step));
}

Flow::Flow(const cnn::Graph& graph) {
  for (const auto& input : graph.inputs) add_value(input, kModelInput);
  std::map<std::string, int> weight_ids;
  std::vector<int> last_weight_use;
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
    add_node(graph, i, weight_ids, last_weight_use);
  }
  for (const auto& output : graph.outputs) {
    if (const auto found = ids_.find(output.name); found != ids_.end()) {
      values_[static_cast<std::size_t>(found->second)].output = true;
    }
  }
}

std::vector<int> Flow::crossing(int boundary) const {
  std::vector<int> ids;
  for (int id = 0; id < static_cast<int>(values_.size()); ++id) {
    if (tracked(id).producer < boundary && tracked(id).last_use >= boundary) ids.push_back(id);
  }
  return ids;
}

bool Flow::needed_outside(int id, cnn::Range range) const {
  const Tracked& value = tracked(id);
  if (value.output || value.last_use >= range.end) return true;
  for (int node = value.producer + 1; node < static_cast<int>(range.begin); ++node) {
    const auto& reads = step(node).reads;
    if (std::any_of(reads.begin(), reads.end(), [&](const Read& r) { return r.id == id; })) {
      return true;
    }
  }
  return false;
}

Sweep::Sweep(const Flow& flow, int begin, int joined)
    : flow_(flow), begin_(begin), end_(begin), joined_(joined) {
  if (joined < 0) return;
  inputs_ = flow.tracked(joined).bytes;
  live_ = peak_ = flow.tracked(joined).bytes;
}

bool Sweep::is_inside(int id) const {
  return id == joined_ || flow_.tracked(id).producer >= begin_;
}

void Sweep::release_after(int id, int node) {
  const Flow::Tracked& value = flow_.tracked(id);
  if (is_inside(id) && value.last_use <= node && !value.output) live_ -= value.bytes;
}

void Sweep::add_next() {
  const int node = end_++;
  const Flow::Step& step = flow_.step(node);
  for (const auto& read : step.reads) {
    if (!is_inside(read.id) && read.previous < begin_) inputs_ += flow_.tracked(read.id).bytes;
  }
  for (const auto& read : step.weights) {
    if (read.previous >= begin_) continue;
    cost_.parameters += flow_.weight(read.id).parameters;
    cost_.weight_bytes += flow_.weight(read.id).bytes;
  }
  cost_.flops = cnn::capped_sum(cost_.flops, step.flops);
  for (const int id : step.writes) live_ += flow_.tracked(id).bytes;
  peak_ = std::max(peak_, live_);
  for (const auto& read : step.reads) release_after(read.id, node);
  for (const int id : step.writes) {
    if (flow_.tracked(id).last_use == Flow::kNever) release_after(id, node);
  }
}

Sweep sweep_over(const Flow& flow, cnn::Range nodes, int joined) {
  Sweep sweep(flow, static_cast<int>(nodes.begin), joined);
  while (sweep.end() < nodes.end) sweep.add_next();
  return sweep;
}

Edges edges_of(const Flow& flow, cnn::Range nodes, int joined) {
  const int begin = static_cast<int>(nodes.begin);
  const int end = static_cast<int>(nodes.end);
  const auto leaves = [&](int id) {
    return flow.tracked(id).output || flow.tracked(id).last_use >= end;
  };
  Edges edges;
  if (joined >= 0 && leaves(joined)) edges.outputs.push_back(joined);
  for (int node = begin; node < end; ++node) {
    for (const auto& read : flow.step(node).reads) {
      const bool outside = read.id != joined && flow.tracked(read.id).producer < begin;
      if (outside && read.previous < begin) edges.inputs.push_back(read.id);
    }
    for (const int id : flow.step(node).writes) {
      if (leaves(id)) edges.outputs.push_back(id);
    }
  }
  return edges;
}

}  // namespace hyps::partition
