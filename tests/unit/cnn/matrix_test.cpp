// Gemm and MatMul.
#include <gmock/gmock.h>

#include "cases.hpp"

namespace hyps::cnn::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Element [row, column] of op(matrix).
double entry(const Tensor& matrix, std::int64_t row, std::int64_t column, bool transposed) {
  const std::int64_t width = matrix.shape[1];
  const std::int64_t at = transposed ? column * width + row : row * width + column;
  return static_cast<double>(matrix.f32()[static_cast<std::size_t>(at)]);
}

TEST(Gemm, AgreesWithItsDefinitionInEveryForm) {
  const std::int64_t m = 3;
  const std::int64_t k = 4;
  const std::int64_t n = 5;
  const std::vector<Shape> c_shapes{{}, {1}, {n}, {1, n}, {m, 1}, {m, n}};
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const bool ta = seed % 2 == 1;
    const bool tb = seed / 2 % 2 == 1;
    const Tensor a = random_tensor(random, ta ? Shape{k, m} : Shape{m, k});
    const Tensor b = random_tensor(random, tb ? Shape{n, k} : Shape{k, n});
    const Tensor c = random_tensor(random, c_shapes[seed / 4]);
    std::vector<float> expected;
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l < k; ++l) sum += entry(a, i, l, ta) * entry(b, l, j, tb);
        const bool rows = c.shape.size() == 2 && c.shape[0] == m;
        const bool columns = !c.shape.empty() && c.shape.back() == n;
        const std::int64_t at = (rows ? i * c.shape[1] : 0) + (columns ? j : 0);
        expected.push_back(static_cast<float>(
            1.5 * sum - 0.5 * static_cast<double>(c.f32()[static_cast<std::size_t>(at)])));
      }
    }
    const Case test{"Gemm",
                    {{"alpha", 1.5F},
                     {"beta", -0.5F},
                     {"transA", std::int64_t{ta}},
                     {"transB", std::int64_t{tb}}},
                    {a, b, c}};
    expect_near(run(test), Tensor::floats({m, n}, expected), 1e-6);
  }
}

TEST(Gemm, WorksWithoutC) {
  EXPECT_THAT(values_of(run({"Gemm", {}, {iota({1, 2}), iota({2, 2})}})), ElementsAre(2, 3));
}

TEST(Gemm, RefusesWhatDoesNotFit) {
  EXPECT_EQ(error_of({"Gemm", {}, {iota({1, 2}), iota({3, 2})}}),
            "Gemm 'node': input has 2 features, weights expect 3");
  EXPECT_THAT(error_of({"Gemm", {}, {iota({2}), iota({2, 2})}}), HasSubstr("its rank must be 2"));
  EXPECT_THAT(error_of({"Gemm", {}, {iota({1, 2}), iota({2, 2}), iota({3})}}),
              HasSubstr("C of shape 3 does not broadcast to 1x2"));
  EXPECT_THAT(error_of({"Gemm", {}, {iota({1, 2}), iota({2, 2}), iota({2, 2})}}),
              HasSubstr("C of shape 2x2 does not broadcast to 1x2"));
}

TEST(MatMul, MultipliesVectorsMatricesAndBatches) {
  const auto product = [](const Shape& a, const Shape& b) {
    return run({"MatMul", {}, {iota(a), iota(b)}});
  };
  EXPECT_THAT(values_of(product({3}, {3})), ElementsAre(5));
  EXPECT_EQ(product({3}, {3}).shape, Shape{});
  EXPECT_THAT(values_of(product({2}, {2, 2})), ElementsAre(2, 3));
  EXPECT_THAT(values_of(product({2, 2}, {2})), ElementsAre(1, 3));
  EXPECT_THAT(values_of(product({2, 1, 2}, {2, 2})), ElementsAre(2, 3, 6, 11));
  EXPECT_THAT(values_of(product({1, 2}, {2, 2, 1})), ElementsAre(1, 3));
  EXPECT_EQ(product({3, 1, 2, 4}, {5, 4, 6}).shape, (Shape{3, 5, 2, 6}));
}

TEST(MatMul, BroadcastBatchesEqualTheirSeparateProducts) {
  Random random(7);
  const Tensor a = random_tensor(random, {2, 1, 3, 4});
  const Tensor b = random_tensor(random, {3, 4, 2});
  const Tensor whole = run({"MatMul", {}, {a, b}});
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t j = 0; j < 3; ++j) {
      Tensor left = part_of(a, 0, {i, i + 1});
      Tensor right = part_of(b, 0, {j, j + 1});
      left.shape = {3, 4};
      right.shape = {4, 2};
      Tensor expected = part_of(part_of(whole, 0, {i, i + 1}), 1, {j, j + 1});
      expected.shape = {3, 2};
      EXPECT_EQ(run({"MatMul", {}, {left, right}}).data, expected.data);
    }
  }
}

TEST(MatMul, RefusesWhatDoesNotFit) {
  EXPECT_THAT(error_of({"MatMul", {}, {iota({1, 2}), iota({3, 2})}}),
              HasSubstr("input has 2 features, weights expect 3"));
  EXPECT_THAT(error_of({"MatMul", {}, {iota({2, 1, 2}), iota({3, 2, 1})}}),
              HasSubstr("batches of 2x1x2 and 3x2x1 do not broadcast"));
  EXPECT_THAT(error_of({"MatMul", {}, {Tensor::floats({}, {1}), iota({1, 1})}}),
              HasSubstr("its rank must be at least 1"));
}

}  // namespace
}  // namespace hyps::cnn::testing
