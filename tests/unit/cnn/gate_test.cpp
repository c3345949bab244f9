// infer is the gate: whatever a file says, once it is accepted, every other function of the
// operator works on it. Most meaningful under the address and undefined-behaviour sanitizers.
#include "fitting.hpp"

namespace hyps::cnn::testing {
namespace {

Attribute any_attribute(Random& random) {
  const std::vector<std::string> texts{"NOTSET",  "SAME_UPPER", "SAME_LOWER", "VALID", "constant",
                                       "reflect", "edge",       "",           "?"};
  switch (random.below(6)) {
    case 0:
      return random.uniform(-2, 2);
    case 1:
      return texts[random.below(texts.size())];
    case 2:
      return any_number(random);
    default:
      return any_numbers(random);
  }
}

Tensor any_tensor(Random& random) {
  Shape shape(random.below(6));
  for (std::int64_t& extent : shape) extent = random.between(random.below(20) == 0 ? 0 : 1, 4);
  if (random.below(5) != 0) return random_tensor(random, shape);
  Ints values(static_cast<std::size_t>(element_count(shape)));
  for (std::int64_t& value : values) value = any_number(random);
  return Tensor::integers(shape, values);
}

// Names that operators read, so that most of them mean something.
const std::vector<const char*>& attribute_names() {
  static const std::vector<const char*> names{"kernel_shape",
                                              "strides",
                                              "dilations",
                                              "pads",
                                              "auto_pad",
                                              "group",
                                              "ceil_mode",
                                              "axis",
                                              "perm",
                                              "size",
                                              "transA",
                                              "allowzero",
                                              "mode",
                                              "count_include_pad",
                                              "axes",
                                              "keepdims",
                                              "p",
                                              "blocksize",
                                              "to",
                                              "noop_with_empty_axes",
                                              "num_outputs",
                                              "split",
                                              "start",
                                              "end",
                                              "select_last_index",
                                              "alpha",
                                              "epsilon"};
  return names;
}

// Refusing an attribute by name or type is tested elsewhere; here it would hide everything else.
void drop_refused_attributes(Case& test) {
  const std::string quote = "attribute '";
  while (true) {
    const std::string error = error_of(test);
    const auto at = error.find(quote);
    if (at == std::string::npos) return;
    const auto begin = at + quote.size();
    if (test.attributes.erase(error.substr(begin, error.find('\'', begin) - begin)) == 0) return;
  }
}

Case any_case(Random& random, const Operator& op) {
  Case test{std::string(op.type), {}, {}, static_cast<int>(random.between(7, 21)), {0}, 1};
  const std::size_t inputs = op.type == "BatchNormalization" ? 5 : 1 + random.below(3);
  for (std::size_t i = 0; i < inputs; ++i) test.inputs.emplace_back(any_tensor(random));
  if (test.inputs.size() > 1 && random.below(2) == 0) {
    test.inputs[1] = Tensor::integers({3}, {any_number(random), any_number(random), -1});
  }
  if (random.below(10) == 0) test.inputs.back().reset();
  if (random.below(4) == 0) test.variable.insert(1);
  test.outputs = 1 + (random.below(20) == 0 ? 1 : 0);
  for (const char* name : attribute_names()) {
    if (random.below(3) != 0) continue;
    test.attributes[name] = any_attribute(random);
  }
  return test;
}

void use_everything(const Graph& graph, const Case& test) {
  const Operator& op = *find_operator(test.op);
  const NodeContext context = context_of(graph, graph.nodes[0]);
  EXPECT_GE(op.flops(context), 0);
  (void)op.kernel(context);
  const auto rank = static_cast<int>(context.outputs[0].shape.size());
  EXPECT_LT(op.slice_axis(context), rank);
  for (int axis = -2; axis <= rank; ++axis) {
    const auto slice = op.slice(context, axis, {0, 1});
    EXPECT_TRUE(!slice || slice->inputs.size() == test.inputs.size());
  }
  for (const bool whole : {true, false}) {
    Region region = whole_region(context.outputs[0].shape);
    for (Range& range : region) range.begin = whole ? 0 : range.end - 1;
    // Tables of what an output is mixed from are as long as the region.
    if (whole && context.outputs[0].bytes() > (1 << 20)) continue;
    const auto tile = op.tile(context, region);
    EXPECT_TRUE(!tile || tile->inputs.size() == test.inputs.size());
  }
  const std::int64_t small = 1 << 20;
  if (context.outputs[0].bytes() > small || op.flops(context) > small) return;
  const auto outputs = run_reference(graph, run_inputs(test));
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    EXPECT_EQ(outputs->at(i).shape, graph.outputs[i].shape);
    EXPECT_EQ(outputs->at(i).type, graph.outputs[i].type);
    EXPECT_EQ(static_cast<std::int64_t>(outputs->at(i).data.size()), graph.outputs[i].bytes());
  }
}

class Gate : public ::testing::TestWithParam<const Operator*> {};

TEST_P(Gate, WhatInferAcceptsCanBeUsed) {
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Case test = any_case(random, *GetParam());
    if (seed % 2 == 0) make_inputs_fit(random, test);
    drop_refused_attributes(test);
    Graph graph = graph_of(test);
    const Status status = infer_shapes(graph);
    if (!status.ok()) {
      EXPECT_FALSE(status.error().message.empty());
      continue;
    }
    ++accepted;
    use_everything(graph, test);
  }
  EXPECT_GT(accepted, 50);
}

std::vector<const Operator*> every_operator() {
  std::vector<const Operator*> operators;
  for (const Operator& op : all_operators()) operators.push_back(&op);
  return operators;
}

INSTANTIATE_TEST_SUITE_P(Operators, Gate, ::testing::ValuesIn(every_operator()),
                         [](const auto& op) { return std::string(op.param->type); });

}  // namespace
}  // namespace hyps::cnn::testing
