#include "common/engine/program.hpp"

#include <fmt/format.h>

#include "common/cnn/operator.hpp"

namespace hyps::engine {

Result<Program> lower(const cnn::Graph& graph) {
  Program program;
  program.reserve(graph.nodes.size());
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto& node = graph.nodes[i];
    const auto* op = cnn::find_operator(node.op);
    if (op == nullptr) {
      return Error{ErrorKind::unsupported,
                   fmt::format("{} '{}': no such operator is known; export the model without it",
                               node.op, node.name)};
    }
    auto kernel = op->kernel(cnn::context_of(graph, node));
    program.push_back({{i, std::move(kernel), node.inputs, node.outputs}, {}, {}, {}});
  }
  return program;
}

}  // namespace hyps::engine
