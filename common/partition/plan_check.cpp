#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/cnn/limits.hpp"
#include "common/partition/labels.hpp"
#include "common/partition/plan.hpp"

namespace hyps::partition {

namespace {

Error invalid(std::string message) { return {ErrorKind::invalid, std::move(message)}; }

Error about(const Partition& partition, const std::string& why) {
  return invalid(fmt::format("partition '{}': {}", partition.name.text, why));
}

Status check_value(const Partition& partition, const cnn::Value& value) {
  if (!is_printable(value.name)) return about(partition, "a tensor's name is not printable UTF-8");
  const std::string fault = cnn::shape_fault(value.shape, value.type);
  if (!fault.empty()) return about(partition, fmt::format("tensor '{}': {}", value.name, fault));
  return {};
}

Status check_numbers(const Partition& partition) {
  const auto& p = partition;
  for (const std::int64_t number : {p.cost.parameters, p.cost.weight_bytes, p.cost.flops,
                                    p.activation_bytes, p.nodes.begin, p.nodes.size()}) {
    if (number < 0 || number > cnn::kCountCeiling) {
      return about(p, fmt::format("{} is no amount of nodes, bytes, parameters or flops", number));
    }
  }
  return {};
}

Status check_slice(const Partition& p) {
  if (!is_sibling(p.kind)) {
    if (p.slice_axis == -1 && p.slice_count == 1 && p.slice_index == 0 && p.slice == cnn::Range{}) {
      return {};
    }
    return about(p, "only horizontal partitions and tiles have a slice");
  }
  const bool indexed = p.slice_count >= 1 && p.slice_index >= 0 && p.slice_index < p.slice_count;
  const bool ranged = p.slice.begin >= 0 && p.slice.begin < p.slice.end;
  if (!indexed || !ranged || p.nodes.size() < 1 || p.outputs.size() != 1) {
    return about(p, "its slice is not one of the slices of one tensor");
  }
  const auto& shape = p.outputs[0].shape;
  const auto axis = static_cast<std::size_t>(p.slice_axis);
  if (p.slice_axis < 0 || axis >= shape.size() || shape[axis] != p.slice.size()) {
    return about(p, fmt::format("tensor '{}' has not the extent of the slice", p.outputs[0].name));
  }
  return {};
}

Status check_replication(const Partition& p) {
  if (!has_layers(p.kind) && p.replication.replicas != 1)
    return about(p, "it must not be replicated");
  const Status status = check(p.replication);
  return status.ok() ? Status() : about(p, status.error().message);
}

Status check_partition(const Partition& p) {
  if (!is_valid_name(p.name.text)) {
    return invalid(
        fmt::format("'{}' is no partition name: use 1 to 64 of A-Z a-z 0-9 . _ -", p.name.text));
  }
  if (p.inputs.empty() || p.outputs.empty()) {
    return about(p, "it needs at least one input and one output");
  }
  for (const auto* values : {&p.inputs, &p.outputs}) {
    for (const auto& value : *values) HYPS_CHECK(check_value(p, value));
  }
  for (const auto& layer : p.layers) {
    if (!is_printable(layer)) return about(p, "a layer's name is not printable UTF-8");
  }
  HYPS_CHECK(check_numbers(p));
  HYPS_CHECK(check_replication(p));
  return check_slice(p);
}

bool same(const cnn::Value& a, const cnn::Value& b) {
  return a.name == b.name && a.type == b.type && a.shape == b.shape;
}

// Follows the tensors in the order of the partitions.
class EdgeCheck {
 public:
  Status add(const Partition& partition) {
    if (!names_.insert(partition.name.text).second) return about(partition, "its name comes twice");
    std::set<std::string> taken;
    for (const auto& input : partition.inputs) {
      if (!taken.insert(input.name).second) {
        return about(partition, fmt::format("input '{}' comes twice", input.name));
      }
      HYPS_CHECK(check_input(partition, input));
    }
    for (const auto& output : partition.outputs) {
      if (!made_.emplace(output.name, output).second) {
        return about(partition, fmt::format("tensor '{}' is produced before already", output.name));
      }
    }
    return {};
  }

 private:
  Status check_input(const Partition& partition, const cnn::Value& input) const {
    if (partition.kind == Kind::ingest) return {};
    const auto made = made_.find(input.name);
    if (made == made_.end()) {
      return about(partition,
                   fmt::format("input '{}' is produced by no partition before it", input.name));
    }
    if (same(made->second, input)) return {};
    return about(
        partition,
        fmt::format("input '{}' is {} {} here and {} {} where it is produced", input.name,
                    cnn::to_string(input.type), cnn::to_string(input.shape),
                    cnn::to_string(made->second.type), cnn::to_string(made->second.shape)));
  }

  std::set<std::string> names_;
  std::map<std::string, cnn::Value> made_;
};

// Siblings stand together, in order, and tile the axis.
Status check_siblings(const std::vector<Partition>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Partition& p = all[i];
    if (!is_sibling(p.kind)) continue;
    const bool first = p.slice_index == 0;
    const Partition* before = first || i == 0 ? nullptr : &all[i - 1];
    const bool follows =
        first ? p.slice.begin == 0
              : before != nullptr && before->kind == p.kind &&
                    before->slice_index + 1 == p.slice_index && before->nodes == p.nodes &&
                    before->slice_count == p.slice_count && before->slice_axis == p.slice_axis &&
                    before->slice.end == p.slice.begin;
    const bool is_last = p.slice_index + 1 == p.slice_count;
    const bool goes_on = is_last || (i + 1 < all.size() && all[i + 1].kind == p.kind &&
                                     all[i + 1].slice_index == p.slice_index + 1);
    if (!follows || !goes_on) return about(p, "its sibling slices do not stand beside it in order");
  }
  return {};
}

// Who may see the image and the answer is not left to whoever wrote the plan.
Status check_safe_zone(const Plan& plan) {
  std::set<std::string> secrets;
  for (const auto& value : plan.partitions.front().outputs) secrets.insert(value.name);
  for (const auto& value : plan.partitions.back().inputs) secrets.insert(value.name);
  std::set<std::string> slices;
  for (const auto& partition : plan.partitions) {
    if (is_sibling(partition.kind)) slices.insert(partition.outputs[0].name);
  }
  for (const auto& partition : plan.partitions) {
    const auto is_secret = [&](const cnn::Value& v) {
      return secrets.contains(v.name) ||
             (slices.contains(v.name) && secrets.contains(v.name.substr(0, v.name.rfind('#'))));
    };
    const bool sees = std::any_of(partition.inputs.begin(), partition.inputs.end(), is_secret) ||
                      std::any_of(partition.outputs.begin(), partition.outputs.end(), is_secret);
    if (sees && !partition.safe_zone) {
      return about(partition, "it sees the image or the answer, so safe_zone must be true");
    }
  }
  return {};
}

Status check_ends(const Plan& plan) {
  const auto is = [](Kind kind) { return [kind](const Partition& p) { return p.kind == kind; }; };
  const auto& all = plan.partitions;
  const bool ends = all.size() >= 3 && all.front().kind == Kind::ingest &&
                    all.back().kind == Kind::report &&
                    std::count_if(all.begin(), all.end(), is(Kind::ingest)) == 1 &&
                    std::count_if(all.begin(), all.end(), is(Kind::report)) == 1;
  if (!ends)
    return invalid("a plan begins with one ingest, ends with one report, with others between");
  const auto is_only = [](const std::vector<cnn::Value>& values, const char* name) {
    return values.size() == 1 && values[0].name == name;
  };
  if (!is_only(all.front().inputs, kImageTensor) || !is_only(all.back().outputs, kAnswerTensor)) {
    return invalid(fmt::format("ingest takes '{}' alone, and report gives '{}' alone", kImageTensor,
                               kAnswerTensor));
  }
  return {};
}

}  // namespace

Status check(const Plan& plan) {
  if (!is_valid_name(plan.model)) return invalid(fmt::format("'{}' is no model name", plan.model));
  if (plan.partitions.size() > kMaxPartitions) {
    return Error{ErrorKind::unsupported,
                 fmt::format("the plan has {} partitions; the most is {}: use a larger threshold",
                             plan.partitions.size(), kMaxPartitions)};
  }
  EdgeCheck edges;
  for (const auto& partition : plan.partitions) {
    HYPS_CHECK(check_partition(partition));
    HYPS_CHECK(edges.add(partition));
  }
  HYPS_CHECK(check_ends(plan));
  HYPS_CHECK(check_siblings(plan.partitions));
  return check_safe_zone(plan);
}

}  // namespace hyps::partition
