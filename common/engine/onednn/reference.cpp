#include "common/engine/onednn/kernels.hpp"

namespace hyps::engine {

bool emit(Builder& builder, const Group& group, const cnn::ReferenceKernel& /*kernel*/) {
  const auto& graph = builder.graph();
  const auto& node = graph.nodes[group.head.node];
  std::vector<ReferenceStep::Input> inputs;
  std::vector<bool> constant;
  std::vector<BufferId> used;
  for (const auto& name : node.inputs) {
    constant.push_back(!name.empty() && graph.is_weight(name));
    if (name.empty()) {
      inputs.emplace_back();
      continue;
    }
    inputs.push_back({true, builder.bytes_of(name), builder.value(name)});
    used.push_back(inputs.back().buffer);
  }
  std::vector<ReferenceStep::Output> outputs;
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const auto& name = node.outputs[i];
    if (!graph.values.contains(name)) continue;  // an optional output nobody asked for
    outputs.push_back({i, builder.define_bytes(name), graph.value(name)});
    used.push_back(outputs.back().buffer);
  }
  const auto& op = *cnn::find_operator(node.op);
  builder.add(std::make_unique<ReferenceStep>(op, node, graph.opset, std::move(inputs),
                                              std::move(constant), std::move(outputs)),
              used);
  return true;
}

}  // namespace hyps::engine
