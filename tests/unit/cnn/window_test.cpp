// Conv and pooling against an oracle that shares no arithmetic with them: it lays the input into a
// padded array first, walks windows by index vectors, and computes in long double.
#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Setting {
  Ints kernel, strides, dilations, begin, end;
};

struct Padded {
  Shape extents;
  std::vector<long double> values;
  std::vector<int> kind;  // 0: input, 1: named pad, 2: added by ceil_mode
};

std::size_t flat(const Ints& index, const Shape& extents) {
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < index.size(); ++i) offset = offset * extents[i] + index[i];
  return static_cast<std::size_t>(offset);
}

void walk(const Shape& extents, const std::function<void(const Ints&)>& visit, Ints index = {}) {
  if (index.size() == extents.size()) return visit(index);
  index.push_back(0);
  for (std::int64_t i = 0; i < extents[index.size() - 1]; ++i) {
    index.back() = i;
    walk(extents, visit, index);
  }
}

Padded pad_plane(const float* plane, const Shape& extents, const Setting& s, const Ints& extra) {
  Padded padded;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    padded.extents.push_back(s.begin[i] + extents[i] + s.end[i] + extra[i]);
  }
  walk(padded.extents, [&](const Ints& at) {
    Ints inner = at;
    bool inside = true;
    bool named = true;
    for (std::size_t i = 0; i < at.size(); ++i) {
      inner[i] = at[i] - s.begin[i];
      inside = inside && inner[i] >= 0 && inner[i] < extents[i];
      named = named && at[i] < s.begin[i] + extents[i] + s.end[i];
    }
    padded.values.push_back(inside ? static_cast<long double>(plane[flat(inner, extents)]) : 0);
    padded.kind.push_back(inside ? 0 : named ? 1 : 2);
  });
  return padded;
}

// visit(tap index, position in the padded plane) for the window at `out`.
void window(const Setting& s, const Padded& padded, const Ints& out,
            const std::function<void(const Ints&, std::size_t)>& visit) {
  walk(s.kernel, [&](const Ints& tap) {
    Ints at = tap;
    for (std::size_t i = 0; i < tap.size(); ++i) {
      at[i] = out[i] * s.strides[i] + tap[i] * s.dilations[i];
    }
    visit(tap, flat(at, padded.extents));
  });
}

Shape spatial_of(const Tensor& x) { return {x.shape.begin() + 2, x.shape.end()}; }

std::int64_t floor_output(std::int64_t padded, std::int64_t k, std::int64_t s, std::int64_t d) {
  std::int64_t count = 0;
  while (count * s + (k - 1) * d < padded) ++count;
  return count;
}

Tensor oracle_conv(const Tensor& x, const Tensor& w, const Tensor& bias, std::int64_t groups,
                   const Setting& s) {
  const Shape spatial = spatial_of(x);
  Shape out;
  for (std::size_t i = 0; i < spatial.size(); ++i) {
    out.push_back(floor_output(s.begin[i] + spatial[i] + s.end[i], s.kernel[i], s.strides[i],
                               s.dilations[i]));
  }
  const std::int64_t plane = element_count(spatial);
  const std::int64_t per_group = x.shape[1] / groups;
  std::vector<float> y;
  for (std::int64_t n = 0; n < x.shape[0]; ++n) {
    for (std::int64_t m = 0; m < w.shape[0]; ++m) {
      std::vector<Padded> planes;
      const std::int64_t first = m / (w.shape[0] / groups) * per_group;
      for (std::int64_t c = first; c < first + per_group; ++c) {
        planes.push_back(pad_plane(x.f32().data() + (n * x.shape[1] + c) * plane, spatial, s,
                                   Ints(spatial.size(), 0)));
      }
      walk(out, [&](const Ints& at) {
        long double sum = static_cast<long double>(bias.f32()[static_cast<std::size_t>(m)]);
        for (std::int64_t c = 0; c < per_group; ++c) {
          const Padded& p = planes[static_cast<std::size_t>(c)];
          window(s, p, at, [&](const Ints& tap, std::size_t position) {
            const auto weight =
                static_cast<std::size_t>((m * per_group + c) * element_count(s.kernel) +
                                         static_cast<std::int64_t>(flat(tap, s.kernel)));
            sum += p.values[position] * static_cast<long double>(w.f32()[weight]);
          });
        }
        y.push_back(static_cast<float>(sum));
      });
    }
  }
  Shape shape{x.shape[0], w.shape[0]};
  shape.insert(shape.end(), out.begin(), out.end());
  return Tensor::floats(shape, y);
}

enum class Pool { max, average, average_with_pads };

Tensor oracle_pool(const Tensor& x, Pool pool, bool ceil_mode, const Setting& s) {
  const Shape spatial = spatial_of(x);
  Shape out;
  Ints extra;
  for (std::size_t i = 0; i < spatial.size(); ++i) {
    const std::int64_t padded = s.begin[i] + spatial[i] + s.end[i];
    std::int64_t count = floor_output(padded, s.kernel[i], s.strides[i], s.dilations[i]);
    const std::int64_t reach = (s.kernel[i] - 1) * s.dilations[i] + 1;
    const bool uneven = (count - 1) * s.strides[i] + reach < padded;
    if (ceil_mode && uneven && count * s.strides[i] < s.begin[i] + spatial[i]) ++count;
    out.push_back(count);
    extra.push_back(std::max<std::int64_t>((count - 1) * s.strides[i] + reach - padded, 0));
  }
  const std::int64_t plane = element_count(spatial);
  std::vector<float> y;
  for (std::int64_t p = 0; p < x.shape[0] * x.shape[1]; ++p) {
    const Padded padded = pad_plane(x.f32().data() + p * plane, spatial, s, extra);
    walk(out, [&](const Ints& at) {
      long double sum = 0;
      long double count = 0;
      long double best = -std::numeric_limits<long double>::infinity();
      window(s, padded, at, [&](const Ints&, std::size_t position) {
        const int kind = padded.kind[position];
        if (kind == 0) best = std::max(best, padded.values[position]);
        if (kind == 0) sum += padded.values[position];
        if (kind == 0 || (kind == 1 && pool == Pool::average_with_pads)) count += 1;
      });
      y.push_back(static_cast<float>(pool == Pool::max ? best : sum / count));
    });
  }
  Shape shape{x.shape[0], x.shape[1]};
  shape.insert(shape.end(), out.begin(), out.end());
  return Tensor::floats(shape, y);
}

Setting random_setting(Random& random, const Shape& spatial, bool pooling) {
  Setting s;
  for (const std::int64_t extent : spatial) {
    const std::int64_t kernel = random.between(1, 4);
    const std::int64_t dilation =
        random.between(1, pooling ? std::min<std::int64_t>(3, extent) : 3);
    const std::int64_t reach = (kernel - 1) * dilation + 1;
    const std::int64_t most = pooling ? reach - 1 : 4;
    s.kernel.push_back(kernel);
    s.dilations.push_back(dilation);
    s.strides.push_back(random.between(1, 4));
    s.begin.push_back(random.between(0, most));
    s.end.push_back(random.between(0, most));
    while (s.begin.back() + extent + s.end.back() < reach) {
      if (s.end.back() < most || !pooling)
        ++s.end.back();
      else
        ++s.begin.back();
    }
  }
  return s;
}

std::map<std::string, Attribute> attributes_of(const Setting& s) {
  Ints pads = s.begin;
  pads.insert(pads.end(), s.end.begin(), s.end.end());
  return {{"kernel_shape", s.kernel},
          {"strides", s.strides},
          {"dilations", s.dilations},
          {"pads", pads}};
}

Shape random_shape(Random& random, std::int64_t channels) {
  Shape shape{random.between(1, 2), channels};
  const std::int64_t axes = random.between(1, 3);
  for (std::int64_t i = 0; i < axes; ++i) shape.push_back(random.between(1, axes == 3 ? 5 : 9));
  return shape;
}

TEST(Conv, AgreesWithItsDefinitionOverRandomSettings) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::int64_t groups = random.between(1, 3);
    const Tensor x = random_tensor(random, random_shape(random, groups * random.between(1, 3)));
    const Setting s = random_setting(random, spatial_of(x), false);
    Shape w_shape{groups * random.between(1, 3), x.shape[1] / groups};
    w_shape.insert(w_shape.end(), s.kernel.begin(), s.kernel.end());
    const Tensor w = random_tensor(random, w_shape);
    const Tensor bias = random_tensor(random, {w_shape[0]});
    Case test{"Conv", attributes_of(s), {x, w, bias}};
    test.attributes["group"] = groups;
    expect_near(run(test), oracle_conv(x, w, bias, groups, s), 1e-6);
  }
}

TEST(Pooling, AgreesWithItsDefinitionOverRandomSettings) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const Tensor x = random_tensor(random, random_shape(random, random.between(1, 3)));
    const Setting s = random_setting(random, spatial_of(x), true);
    const auto pool = static_cast<Pool>(random.below(3));
    const bool ceil_mode = random.below(2) == 1;
    Case test{pool == Pool::max ? "MaxPool" : "AveragePool", attributes_of(s), {x}, 19};
    test.attributes["ceil_mode"] = std::int64_t{ceil_mode};
    if (pool == Pool::average_with_pads) test.attributes["count_include_pad"] = std::int64_t{1};
    expect_near(run(test), oracle_pool(x, pool, ceil_mode, s), 1e-6);
  }
}

// Engines compute the output extent by floor division from the kernel's window.
TEST(Pooling, KernelWindowGivesTheOutputByFloorDivision) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const Tensor x = random_tensor(random, random_shape(random, 1));
    const Setting s = random_setting(random, spatial_of(x), true);
    Case test{"MaxPool", attributes_of(s), {x}};
    test.attributes["ceil_mode"] = std::int64_t{1};
    Graph graph = graph_of(test);
    ASSERT_TRUE(infer_shapes(graph).ok());
    const NodeContext context = context_of(graph, graph.nodes[0]);
    const auto kernel = std::get<PoolKernel>(find_operator("MaxPool")->kernel(context));
    for (std::size_t i = 0; i < s.kernel.size(); ++i) {
      const Window& w = kernel.window;
      const std::int64_t padded = x.shape[i + 2] + w.pads_begin[i] + w.pads_end[i];
      const std::int64_t reach = (w.kernel[i] - 1) * w.dilations[i] + 1;
      EXPECT_EQ((padded - reach) / w.strides[i] + 1, graph.outputs[0].shape[i + 2]);
    }
  }
}

Case conv(const Shape& x, const Shape& w, std::map<std::string, Attribute> attributes = {}) {
  return {"Conv", std::move(attributes), {iota(x), iota(w)}};
}

TEST(Conv, SumsAThreeByThreeWindow) {
  Case test = conv({1, 1, 3, 3}, {1, 1, 2, 2});
  test.inputs[1] = Tensor::floats({1, 1, 2, 2}, {1, 0, 0, 1});
  EXPECT_THAT(values_of(run(test)), ElementsAre(4, 6, 10, 12));
}

TEST(Conv, SameUpperPutsTheOddPadLast) {
  Case test = conv({1, 1, 3}, {1, 1, 2}, {{"auto_pad", std::string("SAME_UPPER")}});
  test.inputs[1] = Tensor::floats({1, 1, 2}, {1, 10});
  EXPECT_THAT(values_of(run(test)), ElementsAre(10, 21, 2));  // 0+10*1, 1+10*2, 2+0
}

TEST(Conv, SameLowerPutsTheOddPadFirst) {
  Case test = conv({1, 1, 3}, {1, 1, 2}, {{"auto_pad", std::string("SAME_LOWER")}});
  test.inputs[1] = Tensor::floats({1, 1, 2}, {1, 10});
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 10, 21));
}

TEST(Conv, ValidAddsNoPads) {
  EXPECT_EQ(run(conv({1, 1, 5, 4}, {2, 1, 3, 3}, {{"auto_pad", std::string("VALID")}})).shape,
            (Shape{1, 2, 3, 2}));
}

TEST(Conv, NamesTheNodeAndTheChannelsThatDiffer) {
  EXPECT_EQ(error_of(conv({1, 3, 5, 5}, {2, 4, 3, 3})),
            "Conv 'node': input has 3 channels, weights expect 4");
}

TEST(Conv, RefusesWhatDoesNotFit) {
  const Shape x{1, 4, 5, 5};
  const Shape w{2, 4, 3, 3};
  const auto why = [&](const char* name, Attribute value) {
    return error_of(conv(x, w, {{name, std::move(value)}}));
  };
  EXPECT_THAT(why("group", std::int64_t{3}), HasSubstr("group 3 does not divide"));
  EXPECT_THAT(why("group", std::int64_t{0}), HasSubstr("group 0 does not divide"));
  EXPECT_THAT(why("group", std::int64_t{-1}), HasSubstr("group -1 does not divide"));
  EXPECT_THAT(why("strides", Ints{0, 1}), HasSubstr("strides holds 0"));
  EXPECT_THAT(why("strides", Ints{1}), HasSubstr("strides has 1 numbers, the input needs 2"));
  EXPECT_THAT(why("dilations", Ints{1, -2}), HasSubstr("dilations holds -2"));
  EXPECT_THAT(why("dilations", Ints{9, 1}), HasSubstr("larger than the padded input"));
  EXPECT_THAT(why("dilations", Ints{std::numeric_limits<std::int64_t>::max(), 1}),
              HasSubstr("dilations holds"));
  EXPECT_THAT(why("pads", Ints{-1, 0, 0, 0}), HasSubstr("pads holds -1"));
  EXPECT_THAT(why("pads", Ints{1, 1}), HasSubstr("pads has 2 numbers, the input needs 4"));
  EXPECT_THAT(why("pads", Ints{2000000000, 0, 2000000000, 0}), HasSubstr("its output: "));
  EXPECT_THAT(why("kernel_shape", Ints{5, 5}), HasSubstr("kernel_shape differs"));
  EXPECT_THAT(why("auto_pad", std::string("SAME")), HasSubstr("auto_pad 'SAME'"));
  EXPECT_THAT(why("strides", 1.0F), HasSubstr("attribute 'strides' is of the wrong type"));
  EXPECT_THAT(why("groups", std::int64_t{1}), HasSubstr("attribute 'groups' is not supported"));
  EXPECT_THAT(error_of(conv({4, 5}, w)), HasSubstr("its rank must be 3 to 5"));
  EXPECT_THAT(error_of(conv(x, {2, 4, 3})), HasSubstr("its rank must be 4"));
}

TEST(Conv, RefusesABiasOfAnotherLength) {
  Case test = conv({1, 1, 3, 3}, {2, 1, 1, 1});
  test.inputs.emplace_back(iota({3}));
  EXPECT_THAT(error_of(test), HasSubstr("bias has shape 3, expected 2"));
}

TEST(Pooling, RefusesWindowsThatLieInThePadding) {
  const auto why = [](std::map<std::string, Attribute> attributes) {
    return error_of({"MaxPool", std::move(attributes), {iota({1, 1, 4, 4})}});
  };
  EXPECT_THAT(why({}), HasSubstr("kernel_shape has 0 numbers"));
  EXPECT_THAT(why({{"kernel_shape", Ints{2, 2}}, {"pads", Ints{2, 0, 0, 0}}}),
              HasSubstr("pads must be smaller than the window"));
  EXPECT_THAT(why({{"kernel_shape", Ints{0, 2}}}), HasSubstr("kernel_shape holds 0"));
  EXPECT_THAT(
      why({{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{5, 1}}, {"pads", Ints{4, 0, 4, 0}}}),
      HasSubstr("dilation 5 steps over the input of 4"));
}

TEST(MaxPool, RefusesIndicesAndColumnMajorOrder) {
  Case test{"MaxPool", {{"kernel_shape", Ints{2, 2}}}, {iota({1, 1, 4, 4})}};
  test.outputs = 2;
  EXPECT_THAT(error_of(test), HasSubstr("Indices output is not supported"));
  test.outputs = 1;
  test.attributes["storage_order"] = std::int64_t{1};
  EXPECT_THAT(error_of(test), HasSubstr("storage_order 1"));
}

TEST(AveragePool, CeilModeDividesByTheTapsOnNamedPadsOnly) {
  Case test{"AveragePool",
            {{"kernel_shape", Ints{2}},
             {"strides", Ints{2}},
             {"pads", Ints{1, 0}},
             {"ceil_mode", std::int64_t{1}},
             {"count_include_pad", std::int64_t{1}}},
            {Tensor::floats({1, 1, 4}, {2, 4, 6, 8})}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(1, 5, 8));  // (0+2)/2, (4+6)/2, 8/1
  Graph graph = graph_of(test);
  ASSERT_TRUE(infer_shapes(graph).ok());
  const Kernel kernel = find_operator("AveragePool")->kernel(context_of(graph, graph.nodes[0]));
  EXPECT_TRUE(std::holds_alternative<ReferenceKernel>(kernel));
}

TEST(GlobalAveragePool, IsTheMeanOfEachChannel) {
  const Tensor y = run({"GlobalAveragePool", {}, {iota({1, 2, 2, 2})}});
  EXPECT_EQ(y.shape, (Shape{1, 2, 1, 1}));
  EXPECT_THAT(values_of(y), ElementsAre(1.5, 5.5));
}

// A hostile kernel_shape must cost neither memory nor time.
TEST(Pooling, HugeWindowsAreClippedToTheInput) {
  const std::int64_t huge = 2147483647;
  Case test{
      "MaxPool",
      {{"kernel_shape", Ints{huge}}, {"pads", Ints{huge - 1, huge - 1}}, {"strides", Ints{huge}}},
      {iota({1, 1, 4})}};
  EXPECT_THAT(values_of(run(test)), ElementsAre(0, 3));
}

}  // namespace
}  // namespace hyps::cnn::testing
