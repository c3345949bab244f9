// The rows of one benchmark: printed as they come, written as JSON at the end.
//
//   int main(int argc, char** argv) {
//     CLI::App app{"What is measured"};
//     bench::Options options;
//     options.add_to(app);                                 // --rounds N, --json FILE
//     CLI11_PARSE(app, argc, argv);
//     return bench::run([&] {
//       bench::Report report("limit", options);
//       const auto ms = bench::alternate(options.rounds, {[&] { ours(); }, [&] { theirs(); }});
//       report.add({.name = "vgg16, 1 thread", .unit = "ms", .a = {"engine", ms[0]},
//                   .b = bench::Side{"primitives", ms[1]}, .aim = bench::ratio_at_most(1.10)});
//       return report.finish();
//     });
//   }
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/bench/support/measure.hpp"

namespace hyps::bench {

struct Options {
  int rounds = 10;
  std::string json_file;

  void add_to(CLI::App& app) {
    app.add_option("--rounds", rounds, "How often each is measured, by turns")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    app.add_option("--json", json_file, "Write the rows to this file");
  }
};

// What a row should show: of the ratio of medians, or of a figure of A.
struct Aim {
  enum class Of { ratio, median, p99, max };
  Of of = Of::ratio;
  bool is_upper_bound = true;
  double bound = 0;
};
constexpr Aim ratio_at_most(double bound) { return {Aim::Of::ratio, true, bound}; }
constexpr Aim ratio_at_least(double bound) { return {Aim::Of::ratio, false, bound}; }
constexpr Aim median_at_most(double bound) { return {Aim::Of::median, true, bound}; }
constexpr Aim median_at_least(double bound) { return {Aim::Of::median, false, bound}; }
constexpr Aim p99_at_most(double bound) { return {Aim::Of::p99, true, bound}; }
constexpr Aim max_at_most(double bound) { return {Aim::Of::max, true, bound}; }

struct Side {
  std::string name;
  Samples samples;
};

struct Row {
  std::string name;
  std::string unit;
  Side a;
  std::optional<Side> b = std::nullopt;  // the ratio is a / b
  std::optional<Aim> aim = std::nullopt;
  nlohmann::json more = nlohmann::json::object();  // further facts of the row, kept under "more"
};

class Report {
 public:
  Report(std::string bench, Options options)
      : bench_(std::move(bench)), options_(std::move(options)) {}

  void add(const Row& row) {
    const Summary a = summary_of(row.a.samples);
    nlohmann::json json{{"name", row.name}, {"unit", row.unit}, {"a", to_json(row.a.name, a)}};
    fmt::print("{}\n", row.name);
    print(row.a.name, a, row.unit);
    double ratio = 0;
    if (row.b) {
      const Summary b = summary_of(row.b->samples);
      json["b"] = to_json(row.b->name, b);
      print(row.b->name, b, row.unit);
      ratio = a.median / b.median;
      json["ratio"] = ratio;
      json["ratio_of_minima"] = a.min / b.min;
      fmt::print("    {:<26} {:10.3f} of medians {:10.3f} of minima\n", "ratio", ratio,
                 a.min / b.min);
    }
    if (row.aim) add_aim(*row.aim, a, ratio, json);
    if (!row.more.empty()) {
      json["more"] = row.more;
      for (const auto& [key, value] : row.more.items()) {
        if (value.is_primitive()) fmt::print("    {:<26} {:>10}\n", key, value.dump());
      }
    }
    (void)std::fflush(stdout);
    rows_.push_back(std::move(json));
  }

  // Further facts of the whole, beside its rows.
  void note(const std::string& key, nlohmann::json value) { notes_[key] = std::move(value); }

  // Exit status of the program. A missed aim is a result, not a failure.
  [[nodiscard]] int finish() const {
    if (options_.json_file.empty()) return EXIT_SUCCESS;
    nlohmann::json all{{"bench", bench_}, {"rounds", options_.rounds}, {"rows", rows_}};
    if (!notes_.empty()) all["notes"] = notes_;
    std::ofstream file(options_.json_file);
    file << all.dump(1) << "\n";
    file.close();
    if (file) return EXIT_SUCCESS;
    fmt::print(stderr, "bench_{}: cannot write {}\n", bench_, options_.json_file);
    return EXIT_FAILURE;
  }

 private:
  static nlohmann::json to_json(const std::string& name, const Summary& s) {
    return {{"name", name}, {"min", s.min}, {"median", s.median}, {"p99", s.p99}, {"max", s.max}};
  }
  static void print(const std::string& name, const Summary& s, const std::string& unit) {
    fmt::print("    {:<26} min {:10.3f} {u}   median {:10.3f} {u}   p99 {:10.3f} {u}\n", name,
               s.min, s.median, s.p99, fmt::arg("u", unit));
  }
  static void add_aim(const Aim& aim, const Summary& a, double ratio, nlohmann::json& json) {
    const auto [what, value] = [&]() -> std::pair<const char*, double> {
      switch (aim.of) {
        case Aim::Of::ratio:
          return {"ratio", ratio};
        case Aim::Of::median:
          return {"median", a.median};
        case Aim::Of::p99:
          return {"p99", a.p99};
        case Aim::Of::max:
          return {"max", a.max};
      }
      return {"", 0};
    }();
    const bool is_met = aim.is_upper_bound ? value <= aim.bound : value >= aim.bound;
    const auto text = fmt::format("{} {} {:g}", what, aim.is_upper_bound ? "<=" : ">=", aim.bound);
    json["aim"] = text;
    json["met"] = is_met;
    fmt::print("    {:<26} {} ({})\n", "aim", text, is_met ? "met" : "missed");
  }

  std::string bench_;
  Options options_;
  nlohmann::json rows_ = nlohmann::json::array();
  nlohmann::json notes_ = nlohmann::json::object();
};

// A benchmark that cannot go on says why.
[[noreturn]] inline void fail(const std::string& why) { throw std::runtime_error(why); }

// One that cannot run on this machine: tests/bench/run.sh tells why, and goes on.
struct CannotRunHere : std::runtime_error {
  using std::runtime_error::runtime_error;
};
inline constexpr int kCannotRunHere = 77;

// The body of every main: what fails is said, and all that was started has been ended.
template <std::invocable Body>
int run(Body body) {
  try {
    return body();
  } catch (const CannotRunHere& why) {
    fmt::print(stderr, "bench: cannot run here: {}\n", why.what());
    return kCannotRunHere;
  } catch (const std::exception& why) {
    fmt::print(stderr, "bench: {}\n", why.what());
    return EXIT_FAILURE;
  }
}

}  // namespace hyps::bench
