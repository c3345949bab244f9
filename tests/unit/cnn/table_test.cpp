// common/cnn/OPERATORS.md is what the code says. HYPS_WRITE_TABLES=1 writes it again.
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "fitting.hpp"
#include "tests/support/paths/paths.hpp"

namespace hyps::cnn::testing {
namespace {

const std::filesystem::path kPath = test::source_dir() / "common/cnn/OPERATORS.md";

// In the order of Kernel's alternatives.
constexpr std::array kKernels{"convolution", "transposed convolution",
                              "pooling",     "matrix product",
                              "unary",       "binary",
                              "PRelu",       "affine",
                              "softmax",     "LRN",
                              "concat",      "view",
                              "reference"};
static_assert(kKernels.size() == std::variant_size_v<Kernel>);

// What an operator said of itself in many cases that fit it.
struct Answers {
  std::set<std::string> kernels;
  std::set<int> starts;
  std::set<int> passes;
  bool tiles = false;
};

void ask(const Graph& graph, const Operator& op, Answers& answers) {
  const NodeContext context = context_of(graph, graph.nodes[0]);
  const std::string kernel = kKernels.at(op.kernel(context).index());
  if (kernel != "reference") answers.kernels.insert(kernel);
  const int start = op.slice_axis(context);
  if (start >= 0) answers.starts.insert(start);
  for (int axis = 0; axis < static_cast<int>(context.outputs[0].shape.size()); ++axis) {
    if (axis != start && op.slice(context, axis, {0, 1})) answers.passes.insert(axis);
  }
  Region corner = whole_region(context.outputs[0].shape);
  for (Range& range : corner) range.end = 1;
  answers.tiles = answers.tiles || op.tile(context, corner);
}

Answers answers_of(const Operator& op) {
  Answers answers;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Random random(seed);
    Case test{std::string(op.type), {}, {Tensor{}}};
    test.opset = std::min(op.opset_max, std::max(op.opset_min, 13));
    make_inputs_fit(random, test);
    Graph graph = graph_of(test);
    if (infer_shapes(graph).ok()) ask(graph, op, answers);
  }
  return answers;
}

template <typename Items>
std::string joined(const Items& items) {
  std::ostringstream text;
  for (const auto& item : items) text << (text.tellp() > 0 ? ", " : "") << item;
  return text.tellp() > 0 ? text.str() : "-";
}

const char* name_of(LayerRole role) {
  switch (role) {
    case LayerRole::starts:
      return "starts";
    case LayerRole::follows:
      return "follows";
    case LayerRole::leads:
      return "leads";
  }
  return "";
}

std::string table() {
  std::ostringstream text;
  text << "# Operators\n\n"
          "Written by `HYPS_WRITE_TABLES=1 unit_cnn --gtest_filter='OperatorTable.*'` from what "
          "the\n"
          "operators say of cases that fit them; do not edit.\n\n"
          "*Layer*: whether it starts a layer, or belongs to the one before (follows) or after\n"
          "(leads). *Cut along*: the output axis an H-partition may start with; *keeps a cut "
          "along*:\n"
          "those along which it can go on with slices. *Tiles*: whether a region of the output "
          "can be\n"
          "computed from regions of the inputs (for some settings: README.md says which). *Fast\n"
          "form*: the kernel an engine may use; without one, and for other types than float32, "
          "the\n"
          "scalar reference runs.\n\n"
          "| operator | opsets | layer | cut along | keeps a cut along | tiles | fast form |\n"
          "|---|---|---|---|---|---|---|\n";
  for (const Operator& op : all_operators()) {
    const Answers answers = answers_of(op);
    text << "| " << op.type << " | " << op.opset_min << " to " << op.opset_max << " | "
         << name_of(op.role) << " | " << joined(answers.starts) << " | " << joined(answers.passes)
         << " | " << (answers.tiles ? "yes" : "no") << " | " << joined(answers.kernels) << " |\n";
  }
  return text.str();
}

TEST(OperatorTable, IsWhatTheCodeSays) {
  const std::string expected = table();
  if (std::getenv("HYPS_WRITE_TABLES") != nullptr) std::ofstream(kPath) << expected;
  std::ifstream file(kPath);
  const std::string written((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(written, expected) << "write it again: HYPS_WRITE_TABLES=1";
}

}  // namespace
}  // namespace hyps::cnn::testing
