// Known answers: likeness of tensors and answers, the file they are kept in, and who is named.
#include "common/voting/audit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "common/base/random.hpp"
#include "common/voting/known.hpp"

namespace hyps::voting {
namespace {

Blob floats(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return Blob::of(std::move(bytes));
}

TEST(Likeness, OfTensors) {
  const Blob known = floats({1.0F, -100.0F, 0.0F});
  EXPECT_EQ(likeness(known, known), Likeness::same);
  EXPECT_EQ(likeness(floats({1.0F + 1e-6F, -100.0F, 0.0F}), known), Likeness::near);
  EXPECT_EQ(likeness(floats({1.0F, -100.0F, 1e-4F}), known), Likeness::near)
      << "next to nothing beside the largest one";
  EXPECT_EQ(likeness(floats({1.5F, -100.0F, 0.0F}), known), Likeness::beyond);
  EXPECT_EQ(likeness(floats({NAN, -100.0F, 0.0F}), known), Likeness::beyond);
  EXPECT_EQ(likeness(floats({1.0F}), known), Likeness::beyond);
}

Blob answer(const std::string& digest, double first, const std::string& label, double second) {
  const auto number = [](double value) { return std::to_string(value); };
  return Blob::of(R"({"outputs":[{"digest":")" + digest + R"("}],"top":[{"id":1,"label":")" +
                  label + R"(","score":)" + number(first) + R"(},{"id":2,"label":"b","score":)" +
                  number(second) + "}]}");
}

TEST(Likeness, OfAnswers) {
  const Blob known = answer("00", 0.9, "a", 0.1);
  EXPECT_EQ(likeness_of_answers(known, known), Likeness::same);
  EXPECT_EQ(likeness_of_answers(answer("01", 0.900001, "a", 0.1), known), Likeness::near);
  EXPECT_EQ(likeness_of_answers(answer("01", 0.8, "a", 0.1), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(answer("01", 0.9, "c", 0.1), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(answer("00", 0.9, "c", 0.1), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(answer("00", 0.900001, "a", 0.1), known), Likeness::beyond)
      << "of the very same tensor the answer is the same";
  EXPECT_EQ(likeness_of_answers(answer("01", 0.5, "c", 0.5), answer("00", 0.5, "a", 0.5)),
            Likeness::near)
      << "labels of equal scores may change places";
  for (const char* bad : {"", "[]", "{}", R"({"top":3})", R"({"top":[1]})"}) {
    EXPECT_EQ(likeness_of_answers(Blob::copy_of(bad), known), Likeness::beyond) << bad;
  }
}

Blob boxes(const std::string& digest, const std::string& values, const std::string& shape = "[2]") {
  return Blob::of(R"({"outputs":[{"name":"boxes","type":"float32","shape":)" + shape +
                  R"(,"digest":")" + digest + R"(","values":)" + values +
                  R"(},{"name":"ids","type":"int64","shape":[1],"digest":"aa","values":[7]}]})");
}

TEST(Likeness, OfAnswersWithoutClasses) {
  const Blob known = boxes("00", "[100.0,0.5]");
  EXPECT_EQ(likeness_of_answers(boxes("00", "[100.0,0.5]"), known), Likeness::same);
  EXPECT_EQ(likeness_of_answers(boxes("01", "[100.0001,0.5001]"), known), Likeness::near);
  EXPECT_EQ(likeness_of_answers(boxes("01", "[100.0,0.6]"), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(boxes("01", "[100.0,null]"), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(boxes("01", "[100.0]"), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(boxes("01", "3"), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(boxes("01", "[100.0,0.5]", "[1,2]"), known), Likeness::beyond);
  EXPECT_EQ(likeness_of_answers(boxes("00", "[100.0,0.5001]"), known), Likeness::beyond)
      << "of the very same tensors the answer is the same";
  EXPECT_EQ(likeness_of_answers(answer("00", 0.9, "a", 0.1), known), Likeness::beyond);
}

TEST(KnownFile, GivesBackWhatWasPut) {
  const auto file = encode_known({{"x", floats({1, 2})}, {"@answer", Blob::copy_of("{}")}});
  ASSERT_TRUE(file.ok());
  const auto bytes = known_index_bytes(std::string_view(*file).substr(0, kKnownHeaderBytes));
  ASSERT_TRUE(bytes.ok());
  const auto index =
      parse_known_index(std::string_view(*file).substr(kKnownHeaderBytes, *bytes), file->size());
  ASSERT_TRUE(index.ok());
  ASSERT_EQ(index->size(), 2U);
  EXPECT_EQ((*index)[0].name, "x");
  EXPECT_EQ(file->substr((*index)[0].offset, (*index)[0].bytes), floats({1, 2}).text());
  EXPECT_EQ(file->substr((*index)[1].offset), "{}");
  EXPECT_FALSE(known_index_bytes("0000").ok());
  EXPECT_FALSE(known_index_bytes("ffffffffffffffff").ok());
  EXPECT_FALSE(known_index_bytes("not hexadecimal!").ok());
  EXPECT_FALSE(parse_known_index("{", 100).ok());
  EXPECT_FALSE(parse_known_index(R"({"tensors":[{"name":"x","bytes":9,"digest":""}]})", 20).ok());
}

// A net of partitions that amplify, on workers of several arithmetics, some of which lie, in every
// bit that suits them: whoever is named has lied.
struct Net {
  explicit Net(Random& dice) : random(dice) {
    const std::size_t count = 3 + random.below(8);
    for (std::size_t i = 0; i < count; ++i) {
      Made part;
      part.outputs = {"t" + std::to_string(i)};
      part.inputs = {i == 0 ? "@image" : "t" + std::to_string(random.below(i))};
      if (i > 1 && random.below(2) == 0) part.inputs.push_back("t" + std::to_string(i - 1));
      gains.push_back(std::pow(10.0, static_cast<double>(random.below(7)) - 2));
      parts.push_back(std::move(part));
    }
  }
  // What an honest worker makes; its arithmetic shows in the last bits.
  float honest(std::size_t i, const std::map<std::string, float>& tensors, int arithmetic) const {
    double sum = 0.25 * static_cast<double>(i + 1);
    for (const auto& input : parts[i].inputs) sum += static_cast<double>(tensors.at(input));
    return static_cast<float>(std::sin(sum * gains[i]) * (1.0 + arithmetic * 1e-6));
  }
  Random& random;
  std::vector<Made> parts;
  std::vector<double> gains;
};

TEST(Judge, AccusesNobodyHonest) {
  int wrong = 0;
  int named = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    Random random(seed);
    Net net(random);
    std::map<std::string, float> known{{"@image", 1.0F}};
    std::map<std::string, float> made = known;
    std::set<std::size_t> liars;
    for (std::size_t i = 0; i < net.parts.size(); ++i) {
      const std::string& output = net.parts[i].outputs[0];
      known[output] = net.honest(i, known, 0);
      made[output] = net.honest(i, made, static_cast<int>(random.below(3)) - 1);
      if (random.below(5) != 0) continue;
      liars.insert(i);
      // From the last bit, which the next ones amplify, to anything.
      const double size = std::pow(10.0, static_cast<double>(random.below(9)) - 8);
      made[output] += static_cast<float>(size);
    }
    std::map<std::string, Likeness> tensors;
    for (const auto& [name, value] : known) {
      tensors[name] = likeness(floats({made.at(name)}), floats({value}));
    }
    const Findings findings = judge(net.parts, tensors);
    wrong += findings.right ? 0 : 1;
    named += findings.liars.empty() ? 0 : 1;
    for (const std::size_t i : findings.liars) {
      ASSERT_TRUE(liars.contains(i)) << "seed " << seed << ": partition " << i << " is honest";
    }
  }
  EXPECT_GT(named, 1000);
  EXPECT_GT(wrong, named);
}

TEST(Judge, WhatIsUnknownProvesNothing) {
  const std::vector<Made> made{{{"@image"}, {"x"}}, {{"x"}, {"y"}}, {{"y"}, {"z"}}};
  using enum Likeness;
  EXPECT_TRUE(judge(made, {{"@image", same}, {"x", same}, {"y", near}, {"z", near}}).right);
  const Findings unseen = judge(made, {{"@image", same}, {"y", beyond}, {"z", beyond}});
  EXPECT_TRUE(unseen.liars.empty());
  EXPECT_EQ(unseen.suspect, 1U);
  const Findings amplified =
      judge(made, {{"@image", same}, {"x", near}, {"y", beyond}, {"z", beyond}});
  EXPECT_TRUE(amplified.liars.empty()) << "x may have been made to be amplified";
  EXPECT_EQ(amplified.suspect, 1U);
  const Findings proven = judge(made, {{"@image", same}, {"x", same}, {"y", beyond}, {"z", near}});
  EXPECT_EQ(proven.liars, std::vector<std::size_t>{1});
  EXPECT_FALSE(proven.suspect);
}

}  // namespace
}  // namespace hyps::voting
