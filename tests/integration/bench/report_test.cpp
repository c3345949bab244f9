// What benchmarks share: samples by turns, their summary, rows as JSON, and the tables and plots
// that report.py makes of them.
#include "tests/bench/support/report.hpp"

#include <gmock/gmock.h>

#include "tests/support/program.hpp"

namespace hyps::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Summary, percentiles_are_samples_that_so_many_do_not_exceed) {
  Samples samples;
  for (int i = 200; i > 0; --i) samples.push_back(i);
  const Summary summary = summary_of(samples);
  EXPECT_EQ(summary.min, 1);
  EXPECT_EQ(summary.median, 100);
  EXPECT_EQ(summary.p99, 198);
  EXPECT_EQ(summary.max, 200);
  EXPECT_EQ(summary_of({7}).median, 7);
  EXPECT_EQ(summary_of({7}).p99, 7);
  EXPECT_EQ(summary_of({3, 1, 2}).median, 2);
  EXPECT_THROW((void)summary_of({}), std::invalid_argument);
}

TEST(Alternate, subjects_take_turns_and_the_first_turn_does_not_count) {
  std::string order;
  double a = 0;
  const auto samples = alternate(2, {[&] {
                                       order += 'a';
                                       return ++a;
                                     },
                                     [&] { order += 'b'; }});
  EXPECT_EQ(order, "ababab");
  EXPECT_THAT(samples.at(0), ElementsAre(2, 3));
  EXPECT_EQ(samples.at(1).size(), 2);
}

class Results : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return folder_.path() / name;
  }
  void write(const std::vector<Row>& rows, const nlohmann::json& plots) const {
    Options options;
    options.json_file = file("bench_some.json").string();
    Report report("some", options);
    for (const Row& row : rows) report.add(row);
    report.note("plots", plots);
    ASSERT_EQ(report.finish(), EXIT_SUCCESS);
  }
  [[nodiscard]] nlohmann::json rows() const {
    return nlohmann::json::parse(test::text_of(file("bench_some.json"))).at("rows");
  }

  TemporaryFolder folder_;
};

TEST_F(Results, rows_say_ratio_aim_and_whether_it_is_met) {
  write({{.name = "slower",
          .unit = "ms",
          .a = {"A", {4, 2, 3}},
          .b = Side{"B", {2}},
          .aim = ratio_at_most(1.1)},
         {.name = "alone", .unit = "MB/s", .a = {"A", {300}}, .aim = median_at_least(250)},
         {.name = "no aim", .unit = "ms", .a = {"A", {1}}}},
        nlohmann::json::array());
  const auto all = rows();
  EXPECT_EQ(all[0]["ratio"], 1.5);
  EXPECT_EQ(all[0]["ratio_of_minima"], 1);
  EXPECT_EQ(all[0]["aim"], "ratio <= 1.1");
  EXPECT_EQ(all[0]["met"], false);
  EXPECT_EQ(all[1]["met"], true);
  EXPECT_FALSE(all[1].contains("ratio"));
  EXPECT_FALSE(all[2].contains("aim"));
}

TEST_F(Results, become_a_table_and_plots) {
  const auto plot = [](const char* name, const char* kind, const nlohmann::json& x) {
    return nlohmann::json{{"file", name},
                          {"title", "Some & <more>"},
                          {"kind", kind},
                          {"x", x},
                          {"x_label", "x"},
                          {"y_label", "ms"},
                          {"series",
                           {{{"name", "s"}, {"values", {1.5, 0.0, 3.0}}},
                            {{"name", "t"}, {"values", {0.5, 2.0, 1.0}}}}},
                          {"here", "seen here"}};
  };
  write({{.name = "compared",
          .unit = "ms",
          .a = {"ours", {4}},
          .b = Side{"theirs", {5}},
          .aim = ratio_at_most(1)}},
        {plot("bars", "bars", {"a", "b", "c"}), plot("stack", "stacked", {"a", "b", "c"}),
         plot("lines", "lines", {4, 8, 50})});
  const std::string python = "/usr/bin/python3";
  const std::string script = test::source("tests/bench/report.py").string();
  const auto stamp =
      test::run_program({python, script, "--stamp", file("bench_some.json").string(), "0.25"});
  ASSERT_EQ(stamp.code, 0) << stamp.errors;
  std::ofstream(file("not-run.txt")) << "bench_other: no such network\n";

  const auto report = test::run_program({python, script, folder_.path().string()});
  ASSERT_EQ(report.code, 0) << report.errors;
  EXPECT_THAT(report.output, HasSubstr("| compared | ours: 4 ms"));
  EXPECT_THAT(report.output, HasSubstr("| 0.80 | ratio <= 1: met |"));
  EXPECT_THAT(report.output, HasSubstr("not run: bench_other: no such network"));
  EXPECT_THAT(report.output, HasSubstr("seen here"));
  EXPECT_THAT(report.output, HasSubstr("load 0.2 before"));
  for (const char* name : {"bars.svg", "stack.svg", "lines.svg", "bench_some.svg"}) {
    const auto parsed = test::run_program(
        {python, "-c", "import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])",
         file(name).string()});
    EXPECT_EQ(parsed.code, 0) << name << parsed.errors;
  }
}

TEST(Run, says_why_a_benchmark_cannot_run) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run([]() -> int { throw CannotRunHere("needs root"); }), kCannotRunHere);
  EXPECT_EQ(run([]() -> int { fail("broken"); }), EXIT_FAILURE);
  EXPECT_EQ(run([] { return EXIT_SUCCESS; }), EXIT_SUCCESS);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("needs root"));
}

}  // namespace
}  // namespace hyps::bench
