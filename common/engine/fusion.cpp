#include "common/engine/fusion.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace hyps::engine {
namespace {

// Where a value is made and read, as positions of the unfused program.
struct Uses {
  std::size_t made = 0;
  std::vector<std::size_t> readers;
  bool viewed = false;  // shares its bytes with another value
  bool output = false;  // the graph's
};

class Fuser {
 public:
  Fuser(const cnn::Graph& graph, Program program) : graph_(graph), groups_(std::move(program)) {
    for (std::size_t i = 0; i < groups_.size(); ++i) note_uses(i);
    for (const auto& output : graph.outputs) uses_[output.name].output = true;
  }

  Program run() {
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (!absorb(i)) owner_[groups_[i].head.outputs.front()] = i;
    }
    Program result;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (!gone_.contains(i)) result.push_back(std::move(groups_[i]));
    }
    return result;
  }

 private:
  void note_uses(std::size_t i) {
    const auto& op = groups_[i].head;
    const bool view = std::holds_alternative<cnn::ViewKernel>(op.kernel);
    for (const auto& input : op.inputs) {
      uses_[input].readers.push_back(i);
      uses_[input].viewed |= view;
    }
    for (const auto& output : op.outputs) {
      uses_[output].made = i;
      uses_[output].viewed |= view;
    }
  }

  bool absorb(std::size_t i) {
    const auto& op = groups_[i].head;
    if (op.outputs.size() != 1 || op.inputs.empty()) return false;
    if (const auto* affine = std::get_if<cnn::AffineKernel>(&op.kernel)) {
      return absorb_affine(i, *affine);
    }
    if (const auto* unary = std::get_if<cnn::UnaryKernel>(&op.kernel)) {
      return absorb_unary(i, *unary);
    }
    const auto* binary = std::get_if<cnn::BinaryKernel>(&op.kernel);
    return binary != nullptr && binary->function == cnn::BinaryKernel::Function::add &&
           absorb_add(i);
  }

  // The group whose result is `value`, if nobody but the asking follower wants that value.
  Group* host_of(const std::string& value) {
    const auto owner = owner_.find(value);
    if (owner == owner_.end()) return nullptr;
    const auto& uses = uses_[value];
    if (uses.output || uses.readers.size() != 1) return nullptr;
    return &groups_[owner->second];
  }

  [[nodiscard]] bool is_conv(const Group& group) const {
    return std::holds_alternative<cnn::ConvKernel>(group.head.kernel) && constant_weights(group);
  }
  [[nodiscard]] bool is_product(const Group& group) const {
    return std::holds_alternative<cnn::MatMulKernel>(group.head.kernel) && constant_weights(group);
  }
  [[nodiscard]] static bool is_norm(const Group& group) {
    return std::holds_alternative<cnn::AffineKernel>(group.head.kernel);
  }
  [[nodiscard]] bool constant_weights(const Group& group) const {
    const auto& inputs = group.head.inputs;
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (!inputs[i].empty() && !graph_.is_weight(inputs[i])) return false;
    }
    return inputs.size() >= 2;
  }

  bool absorb_affine(std::size_t i, const cnn::AffineKernel& affine) {
    Group* host = host_of(groups_[i].head.inputs[0]);
    if (host == nullptr || !is_conv(*host) || !host->post.empty()) return false;
    if (!host->scaling) {
      host->scaling = affine;
    } else {
      for (std::size_t c = 0; c < affine.scale.size(); ++c) {
        host->scaling->scale[c] *= affine.scale[c];
        host->scaling->shift[c] = host->scaling->shift[c] * affine.scale[c] + affine.shift[c];
      }
    }
    return take(*host, i);
  }

  bool absorb_unary(std::size_t i, const cnn::UnaryKernel& unary) {
    Group* host = host_of(groups_[i].head.inputs[0]);
    if (host == nullptr) return false;
    const bool takes_relu = is_norm(*host) && unary.function == cnn::UnaryKernel::Function::relu;
    if (!(is_conv(*host) || is_product(*host) || takes_relu)) return false;
    // One function at most: longer chains leave oneDNN's fast implementations.
    const auto is_unary = [](const PostOp& post) { return post.kind == PostOp::Kind::unary; };
    if (std::ranges::any_of(host->post, is_unary)) return false;
    host->post.push_back({PostOp::Kind::unary, unary, {}});
    return take(*host, i);
  }

  bool absorb_add(std::size_t i) {
    const auto inputs = groups_[i].head.inputs;
    if (inputs.size() != 2 || inputs[0] == inputs[1]) return false;
    return absorb_add(i, inputs[0], inputs[1]) || absorb_add(i, inputs[1], inputs[0]);
  }

  bool absorb_add(std::size_t i, const std::string& value, const std::string& residual) {
    Group* host = host_of(value);
    if (host == nullptr || !is_conv(*host) || !host->post.empty()) return false;
    if (!may_overwrite(residual, i, owner_[value])) return false;
    if (graph_.value(value).shape != graph_.value(residual).shape) return false;
    host->post.push_back({PostOp::Kind::add, {}, residual});
    return take(*host, i);
  }

  // The sum is written over the residual when `host` runs: it must exist by then, and whoever else
  // reads it must have done so. The host itself counts: it may not read what it overwrites.
  bool may_overwrite(const std::string& residual, std::size_t adder, std::size_t host) {
    const auto& uses = uses_[residual];
    if (graph_.is_weight(residual) || uses.output || uses.viewed) return false;
    const auto is_this = [&](const cnn::Value& input) { return input.name == residual; };
    if (std::ranges::any_of(graph_.inputs, is_this)) return false;
    if (uses.made >= host) return false;
    return std::ranges::all_of(
        uses.readers, [&](std::size_t reader) { return reader == adder || reader < host; });
  }

  bool take(Group& host, std::size_t i) {
    const auto position = owner_.at(host.outputs().front());
    host.absorbed.push_back(std::move(groups_[i].head));
    owner_[host.outputs().front()] = position;
    gone_.insert(i);
    return true;
  }

  const cnn::Graph& graph_;
  Program groups_;
  std::map<std::string, Uses> uses_;
  std::map<std::string, std::size_t> owner_;  // value → position of the group that gives it
  std::set<std::size_t> gone_;                // positions absorbed into another group
};

// Without what no output of the graph needs; a reader that is dropped keeps nobody from fusing.
Program live_part(const cnn::Graph& graph, Program program) {
  std::set<std::string> needed;
  for (const auto& output : graph.outputs) needed.insert(output.name);
  Program live;
  for (auto group = program.rbegin(); group != program.rend(); ++group) {
    const auto is_needed = [&](const std::string& value) { return needed.contains(value); };
    if (std::ranges::none_of(group->head.outputs, is_needed)) continue;
    needed.insert(group->head.inputs.begin(), group->head.inputs.end());
    live.push_back(std::move(*group));
  }
  std::ranges::reverse(live);
  return live;
}

}  // namespace

Program fuse(const cnn::Graph& graph, Program program) {
  return Fuser(graph, live_part(graph, std::move(program))).run();
}

}  // namespace hyps::engine
