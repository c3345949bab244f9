#include "fitting.hpp"

#include <functional>
#include <limits>
#include <map>

namespace hyps::cnn::testing {

namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

using Fit = std::function<void(Random&, Case&)>;

Ints list_of(Random& random, std::size_t count) {
  Ints numbers(count);
  for (std::int64_t& number : numbers) number = any_number(random);
  return numbers;
}

Tensor as_tensor(const Ints& numbers) {
  return Tensor::integers({static_cast<std::int64_t>(numbers.size())}, numbers);
}

Tensor booleans(Random& random, const Shape& shape) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(element_count(shape)));
  for (auto& value : values) value = random.below(2) == 0 ? 0 : 1;
  return {DType::boolean, shape, Blob::of(std::move(values))};
}

// Axes of a map, each once, sometimes nonsense.
Ints some_axes(Random& random) {
  const std::vector<Ints> lists{{2, 3}, {1}, {-1, 0}, {0, 1, 2, 3}, {}, list_of(random, 2)};
  return lists[random.below(lists.size())];
}

void set_window(Random& random, Case& test) {
  for (const char* name : {"strides", "dilations", "pads"}) {
    test.attributes.erase(name);
    if (random.below(2) == 0) continue;
    test.attributes[name] = list_of(random, std::string(name) == "pads" ? 4 : 2);
  }
}

void fit_pool(Random& random, Case& test) {
  test.inputs.resize(1);
  test.attributes["kernel_shape"] = Ints{random.between(1, 3), random.between(1, 3)};
  set_window(random, test);
}

void fit_conv_transpose(Random& random, Case& test) {
  test.inputs = {test.inputs[0],
                 random_tensor(random, {4, 2, random.between(1, 3), random.between(1, 3)})};
  set_window(random, test);
  test.attributes.erase("kernel_shape");
  if (random.below(3) == 0) test.attributes["output_padding"] = list_of(random, 2);
  if (random.below(3) == 0) test.attributes["output_shape"] = list_of(random, 2);
}

// The list as an attribute before an opset, as an input after.
void give_list(Case& test, int input_since, const char* attribute, const Ints& list) {
  test.inputs.resize(1);
  test.attributes.erase(attribute);
  if (test.opset < input_since) {
    test.attributes[attribute] = list;
  } else {
    test.inputs.emplace_back(as_tensor(list));
    test.variable = {0};
  }
}

Fit reduction(int input_since) {
  return
      [=](Random& random, Case& test) { give_list(test, input_since, "axes", some_axes(random)); };
}

void fit_slice(Random& random, Case& test) {
  const std::size_t count = random.below(4);
  const Ints axes{0, 1, 2, 3};
  test.inputs.resize(1);
  if (test.opset < 10) {
    test.attributes = {{"starts", list_of(random, count)}, {"ends", list_of(random, count)}};
    return;
  }
  for (int i = 0; i < 2; ++i) test.inputs.emplace_back(as_tensor(list_of(random, count)));
  test.inputs.emplace_back(as_tensor({axes.begin(), axes.begin() + static_cast<long>(count)}));
  if (random.below(2) == 0) test.inputs.emplace_back(as_tensor(list_of(random, count)));
  test.variable = {0};
}

void fit_split(Random& random, Case& test) {
  test.outputs = 1 + random.below(4);
  test.attributes = {{"axis", any_number(random)}};
  test.inputs.resize(1);
  if (random.below(2) == 0) return;
  const Ints parts{1, random.between(0, 3), 4 - random.between(0, 3)};
  test.outputs = parts.size();
  test.attributes["axis"] = std::int64_t{1};
  give_list(test, 13, "split", parts);
}

void fit_gather(Random& random, Case& test) {
  const Tensor list = as_tensor(list_of(random, 2));
  const Tensor one = Tensor::integers({}, {any_number(random)});
  test.inputs = {test.inputs[0], random.below(2) == 0 ? list : one};
  test.variable = {0};
}

Tensor any_scales(Random& random) {
  std::vector<float> scales{1, 1, random.uniform(-1, 4), random.uniform(0, 4)};
  if (random.below(2) == 0) scales = {1, 1, 2, 1.5F};
  if (random.below(8) == 0) scales[2] = std::numeric_limits<float>::quiet_NaN();
  if (random.below(8) == 0) scales[0] = 1e30F;
  return Tensor::floats({4}, std::move(scales));
}

void fit_resize(Random& random, Case& test) {
  const std::vector<std::string> modes{"nearest", "linear", "cubic"};
  const std::vector<std::string> coordinates{
      "half_pixel", "pytorch_half_pixel",   "half_pixel_symmetric", "align_corners",
      "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
  test.opset = static_cast<int>(random.between(10, 21));
  test.variable = {0};
  test.inputs.resize(1);
  test.attributes = {{"mode", modes[random.below(test.opset < 11 ? 2 : 3)]}};
  if (test.opset < 11) {
    test.inputs.emplace_back(any_scales(random));
    return;
  }
  test.attributes["coordinate_transformation_mode"] = coordinates[random.below(7)];
  test.attributes["exclude_outside"] = any_number(random);
  test.inputs.emplace_back(random_tensor(random, {8}));
  test.inputs.emplace_back(random.below(2) == 0 ? Tensor::floats({0}, {}) : any_scales(random));
  if (random.below(2) == 0) test.inputs.emplace_back(as_tensor(list_of(random, 4)));
}

void fit_upsample(Random& random, Case& test) {
  test.opset = static_cast<int>(random.between(7, 9));
  const Tensor scales = any_scales(random);
  test.inputs.resize(1);
  test.attributes = {{"mode", std::string(random.below(2) == 0 ? "nearest" : "linear")}};
  if (test.opset < 9) {
    test.attributes["scales"] = values_of(scales);
  } else {
    test.inputs.emplace_back(scales);
    test.variable = {0};
  }
}

void fit_constant_of_shape(Random& random, Case& test) {
  test.inputs = {as_tensor(list_of(random, random.below(4)))};
  test.variable = {};
  test.attributes = {{"value", Tensor::integers({1}, {any_number(random)})}};
}

void fit_range(Random& random, Case& test) {
  test.inputs.clear();
  const bool floats = random.below(2) == 0;
  for (int i = 0; i < 3; ++i) {
    test.inputs.emplace_back(floats ? random_tensor(random, {})
                                    : Tensor::integers({}, {any_number(random)}));
  }
  test.variable = {};
}

Fit operands(std::vector<Shape> shapes) {
  return [shapes](Random& random, Case& test) {
    test.inputs.resize(1);
    for (const Shape& shape : shapes) test.inputs.emplace_back(random_tensor(random, shape));
  };
}

void broadcast_operand(Random& random, Case& test) {
  const std::int64_t width = test.inputs[0]->shape[3];
  test.inputs = {test.inputs[0], random_tensor(random, {4, 1, width})};
}

void fit_integers(Random& random, Case& test) {
  if (random.below(2) == 0) return broadcast_operand(random, test);
  test.inputs = {as_tensor(list_of(random, 3)), as_tensor(list_of(random, 3))};
}

Fit logic(std::size_t count) {
  return [count](Random& random, Case& test) {
    test.inputs.clear();
    for (std::size_t i = 0; i < count; ++i)
      test.inputs.emplace_back(booleans(random, {1, 2, 2, 3}));
  };
}

Fit attribute(const char* name, std::int64_t low, std::int64_t high) {
  return [=](Random& random, Case& test) {
    test.inputs.resize(1);
    test.attributes[name] = random.between(low, high);
  };
}

Fit input_list(std::size_t count) {
  return [count](Random& random, Case& test) {
    test.inputs = {test.inputs[0], as_tensor(list_of(random, count))};
    test.variable = {0};
  };
}

std::map<std::string, Fit> windows_and_products() {
  return {
      {"MaxPool", fit_pool},
      {"AveragePool", fit_pool},
      {"LpPool", fit_pool},
      {"ConvTranspose", fit_conv_transpose},
      {"Conv",
       [](Random& random, Case& test) {
         test.inputs = {test.inputs[0], random_tensor(random, {2, 4, random.between(1, 3), 2})};
       }},
      {"Gemm",
       [](Random& random, Case& test) {
         test.inputs = {random_tensor(random, {2, 2}), random_tensor(random, {2, 2})};
       }},
      {"MatMul",
       [](Random& random, Case& test) {
         const std::int64_t depth = test.inputs[0]->shape[3];
         test.inputs = {test.inputs[0], random_tensor(random, {depth, 2})};
       }},
      {"BatchNormalization", operands({{4}, {4}, {4}, {4}})},
      {"InstanceNormalization", operands({{4}, {4}})},
      {"PRelu", operands({{4, 1, 1}})},
      {"LRN",
       [](Random& random, Case& test) {
         test.inputs.resize(1);
         test.attributes["size"] = any_number(random);
       }},
  };
}

std::map<std::string, Fit> movements() {
  return {
      {"Concat",
       [](Random& random, Case& test) {
         test.inputs = {test.inputs[0], test.inputs[0]};
         test.attributes = {{"axis", any_number(random)}};
       }},
      {"Constant",
       [](Random& random, Case& test) {
         test.inputs.clear();
         test.attributes = {{"value_ints", any_numbers(random)}};
       }},
      {"Reshape",
       [](Random& random, Case& test) {
         const std::vector<Ints> targets{
             {0, -1}, {-1}, {0, 0, -1}, {any_number(random), any_number(random), -1}};
         test.inputs = {test.inputs[0], as_tensor(targets[random.below(targets.size())])};
         test.variable = {0};
       }},
      {"Pad",
       [](Random& random, Case& test) {
         test.inputs = {test.inputs[0], as_tensor(list_of(random, 8))};
         test.variable = {0};
       }},
      {"Cast", attribute("to", 0, 12)},
      {"Softmax", attribute("axis", -4, 3)},
      {"LogSoftmax", attribute("axis", -4, 3)},
      {"Hardmax", attribute("axis", -4, 3)},
      {"DepthToSpace", attribute("blocksize", 0, 3)},
      {"SpaceToDepth", attribute("blocksize", 0, 3)},
      {"Expand",
       [](Random& random, Case& test) {
         const Ints target{random.between(0, 3), 1, 1, any_number(random)};
         test.inputs = {random_tensor(random, {1, 4, 2, 1}), as_tensor(target)};
         test.variable = {0};
       }},
      {"Transpose",
       [](Random& random, Case& test) {
         const std::vector<Ints> orders{
             {0, 1, 3, 2}, {1, 0, 2, 3}, {0, 2, 3, 1}, list_of(random, 4)};
         test.inputs.resize(1);
         test.attributes = {{"perm", orders[random.below(orders.size())]}};
       }},
      {"Tile", input_list(4)},
      {"Gather", fit_gather},
      {"Slice", fit_slice},
      {"Split", fit_split},
      {"Resize", fit_resize},
      {"Upsample", fit_upsample},
      {"Range", fit_range},
      {"ConstantOfShape", fit_constant_of_shape},
      {"Unsqueeze",
       [](Random& random, Case& test) { give_list(test, 13, "axes", some_axes(random)); }},
      {"Squeeze",
       [](Random& random, Case& test) {
         test.inputs[0] = random_tensor(random, {1, 4, 1, 1});
         give_list(test, 13, "axes", random.below(2) == 0 ? Ints{2, 3} : some_axes(random));
       }},
      {"Where",
       [](Random& random, Case& test) {
         const Tensor x = *test.inputs[0];
         test.inputs = {booleans(random, {4, 1, 1}), x, x};
       }},
  };
}

std::map<std::string, Fit> all_fits() {
  auto fits = windows_and_products();
  fits.merge(movements());
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Equal", "Greater",
                         "Less", "GreaterOrEqual", "LessOrEqual"}) {
    fits[op] = fit_integers;
  }
  for (const char* op : {"Sum", "Mean"}) fits[op] = broadcast_operand;
  for (const char* op : {"And", "Or", "Xor"}) fits[op] = logic(2);
  fits["Not"] = logic(1);
  for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
                         "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"}) {
    fits[op] = reduction(18);
  }
  fits["ReduceSum"] = reduction(13);
  return fits;
}

}  // namespace

std::int64_t any_number(Random& random) {
  const Ints edges{kLeast,     kLeast + 1,   -2147483648LL, -1,         0,         1,
                   2147483647, 2147483648LL, 1LL << 33U,    1LL << 62U, kMost - 1, kMost};
  if (random.below(6) == 0) return edges[random.below(edges.size())];
  return random.between(random.below(3) == 0 ? -3 : 0, 4);
}

Ints any_numbers(Random& random) {
  Ints numbers(random.below(7));
  for (std::int64_t& number : numbers) number = any_number(random);
  return numbers;
}

void make_inputs_fit(Random& random, Case& test) {
  static const std::map<std::string, Fit> fits = all_fits();
  test.inputs[0] = random_tensor(random, {1, 4, random.between(1, 6), random.between(1, 6)});
  if (const auto fit = fits.find(test.op); fit != fits.end()) {
    fit->second(random, test);
  } else {
    test.inputs.resize(1);
  }
}

}  // namespace hyps::cnn::testing
