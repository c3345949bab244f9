#include "common/partition/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>

namespace hyps::partition {

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::ingest:
      return "ingest";
    case Kind::vertical:
      return "vertical";
    case Kind::horizontal:
      return "horizontal";
    case Kind::tile:
      return "tile";
    case Kind::report:
      break;
  }
  return "report";
}

bool has_layers(Kind kind) { return kind != Kind::ingest && kind != Kind::report; }

bool is_sibling(Kind kind) { return kind == Kind::horizontal || kind == Kind::tile; }

const char* to_string(Objective objective) {
  return objective == Objective::throughput ? "throughput" : "latency";
}

Result<Objective> objective_named(const std::string& name) {
  for (const Objective objective : {Objective::latency, Objective::throughput}) {
    if (name == to_string(objective)) return objective;
  }
  return Error{ErrorKind::invalid,
               fmt::format("'{}' is no objective; there are latency and throughput", name)};
}

PlanId Plan::id() const {
  const Digest digest = hyps::digest_of(std::string_view(to_json(*this)));
  return PlanId(fmt::format("{}@{}", model, digest.hex().substr(0, 8)));
}

const Partition* Plan::find(const PartitionName& name) const {
  const auto found = std::find_if(partitions.begin(), partitions.end(),
                                  [&](const Partition& p) { return p.name == name; });
  return found == partitions.end() ? nullptr : &*found;
}

void replicate(Plan& plan, const Replication& replication) {
  for (Partition& partition : plan.partitions) {
    if (has_layers(partition.kind)) partition.replication = replication;
  }
}

namespace {

// Each part is added with its length, so that no two graphs read the same.
class GraphDigester {
 public:
  void add_integer(std::int64_t number) { add_raw(&number, sizeof number); }
  void add_text(const std::string& text) {
    add_integer(static_cast<std::int64_t>(text.size()));
    add_raw(text.data(), text.size());
  }
  template <typename Element>
  void add_list(const std::vector<Element>& list) {
    add_integer(static_cast<std::int64_t>(list.size()));
    add_raw(list.data(), list.size() * sizeof(Element));
  }
  void add_header(const cnn::Tensor& tensor) {
    add_integer(static_cast<std::int64_t>(tensor.type));
    add_list(tensor.shape);
  }
  void add_bytes(const Blob& bytes) { digester_.add(bytes.bytes()); }
  [[nodiscard]] Digest result() const { return digester_.result(); }

  void add_value(const cnn::Value& value) {
    add_text(value.name);
    add_integer(static_cast<std::int64_t>(value.type));
    add_list(value.shape);
  }

  void add_attribute(const cnn::Attribute& attribute) {
    add_integer(static_cast<std::int64_t>(attribute.index()));
    std::visit(
        [this](const auto& held) {
          using Held = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Held, std::string>) {
            add_text(held);
          } else if constexpr (std::is_same_v<Held, cnn::Tensor>) {
            add_header(held);
            add_bytes(held.data);
          } else if constexpr (std::is_arithmetic_v<Held>) {
            add_raw(&held, sizeof held);
          } else {
            add_list(held);
          }
        },
        attribute);
  }

  void add_node(const cnn::Node& node) {
    add_text(node.op);
    add_text(node.name);
    for (const auto* names : {&node.inputs, &node.outputs}) {
      add_integer(static_cast<std::int64_t>(names->size()));
      for (const auto& name : *names) add_text(name);
    }
    add_integer(static_cast<std::int64_t>(node.attributes.size()));
    for (const auto& [name, attribute] : node.attributes) {
      add_text(name);
      add_attribute(attribute);
    }
  }

 private:
  void add_raw(const void* data, std::size_t size) {
    digester_.add({static_cast<const std::byte*>(data), size});
  }
  Digester digester_;
};

}  // namespace

std::uint64_t structure_digest_of(const cnn::Graph& graph) {
  GraphDigester digester;
  digester.add_integer(graph.opset);
  for (const auto* values : {&graph.inputs, &graph.outputs}) {
    digester.add_integer(static_cast<std::int64_t>(values->size()));
    for (const auto& value : *values) digester.add_value(value);
  }
  digester.add_integer(static_cast<std::int64_t>(graph.nodes.size()));
  for (const auto& node : graph.nodes) digester.add_node(node);
  for (const auto& [name, tensor] : graph.weights) {
    digester.add_text(name);
    digester.add_header(tensor);
  }
  return digester.result().high;
}

Digest digest_of(const cnn::Graph& graph) {
  GraphDigester weights;
  for (const auto& [name, tensor] : graph.weights) weights.add_bytes(tensor.data);
  return {structure_digest_of(graph), weights.result().low};
}

}  // namespace hyps::partition
