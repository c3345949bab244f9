// Verbs that need no cluster.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/support/program.hpp"

namespace hyps::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::vector<std::string> kVerbs{"up",    "deploy", "infer",      "get",  "describe",
                                      "watch", "logs",   "remove",     "plan", "partition",
                                      "run",   "verify", "make-model", "chaos"};

class Files : public testing::Test {
 protected:
  Outcome hyps(const std::vector<std::string>& words) {
    return run_program(hyps_command(folder_.path(), words), 120'000);
  }
  std::string at(const std::string& name) const { return (folder_.path() / name).string(); }

  const TemporaryFolder folder_;
  const std::string shapes_ = source("models/shapes.onnx").string();
  const std::string star_ = source("models/images/star.jpg").string();
};

// Start and end tags match and attributes are quoted: enough for a picture that a browser opens.
testing::AssertionResult is_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at)) {
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return testing::AssertionFailure() << "a tag does not end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end;
    if (tag.find('<') != std::string::npos) return testing::AssertionFailure() << "bare < " << tag;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) {
      return testing::AssertionFailure() << "quotes of " << tag;
    }
    if (tag.starts_with("?") || tag.starts_with("!")) continue;
    if (tag.starts_with("/")) {
      if (open.empty() || open.back() != tag.substr(1)) {
        return testing::AssertionFailure() << "<" << tag << "> ends nothing";
      }
      open.pop_back();
    } else if (!tag.ends_with("/")) {
      open.push_back(tag.substr(0, tag.find_first_of(" \n")));
    }
  }
  if (!open.empty()) return testing::AssertionFailure() << open.back() << " is not closed";
  return testing::AssertionSuccess();
}

TEST_F(Files, EveryVerbHasHelp) {
  for (const std::string& verb : kVerbs) {
    const Outcome outcome = hyps({verb, "--help"});
    EXPECT_EQ(outcome.code, 0) << verb;
    EXPECT_THAT(outcome.output, HasSubstr(verb));
  }
  const Outcome all = hyps({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const std::string& verb : kVerbs) EXPECT_THAT(all.output, HasSubstr(verb));
  EXPECT_EQ(hyps({"--version"}).code, 0);
}

TEST_F(Files, WrongUsageIsTwo) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"plan"},
                                             {"plan", shapes_, "--no-such-option"},
                                             {"get", "planets"},
                                             {"make-model", "no-such-net", "-o", at("x.onnx")},
                                             {"plan", shapes_, "-o", "xml"},
                                             {"up", "--workers", "0"},
                                             {"up", "--memory", "nonsense"},
                                             {"plan", shapes_, "--memory", "nonsense"},
                                             {"--broker", "nonsense:port", "get", "models"},
                                             {"--broker", "127.0.0.1:99999", "get", "models"},
                                             {"get", "workers", "--failed"},
                                             {"get", "output"}}) {
    const Outcome outcome = hyps(words);
    EXPECT_EQ(outcome.code, 2) << (words.empty() ? "nothing" : words.back());
    EXPECT_FALSE(outcome.errors.empty());
  }
}

TEST_F(Files, AnUnknownCommandIsNamedWithThoseThatThereAre) {
  const Outcome unknown = hyps({"gett"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("there is no command 'gett'; there are: up deploy"));
}

TEST_F(Files, AReservedNameIsRefusedWithTheRule) {
  const std::string rule = hyps({"deploy", shapes_, "--name", "a b"}).errors;
  const std::string head = "none of the reserved words: ";
  ASSERT_THAT(rule, HasSubstr(head));
  EXPECT_THAT(rule, testing::Not(HasSubstr("--name")));
  std::istringstream words(rule.substr(rule.find(head) + head.size()));
  int count = 0;
  for (std::string word; words >> word; ++count) {
    const Outcome outcome = hyps({"deploy", shapes_, "--name", word});
    EXPECT_EQ(outcome.code, 4) << word;
    EXPECT_THAT(outcome.errors, HasSubstr("'" + word + "' cannot be a model's name"));
  }
  EXPECT_EQ(count, 10);
}

TEST_F(Files, EachKindOfFaultHasItsExitCode) {
  std::ofstream(at("text.onnx")) << "no network";
  std::ofstream(at("text.jpg")) << "no picture";
  EXPECT_EQ(hyps({"plan", at("missing.onnx")}).code, 3);
  EXPECT_EQ(hyps({"plan", at("text.onnx")}).code, 4);
  EXPECT_EQ(hyps({"run", shapes_, "--input", at("text.jpg")}).code, 4);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"run", at("missing.onnx"), "--input", star_},
                                             {"infer", at("missing.jpg")},
                                             {"verify", shapes_, at("no-such-folder")},
                                             {"deploy", shapes_, "--known", at("missing.jpg")},
                                             {"plan", shapes_, "--plan", at("missing.json")}}) {
    const Outcome outcome = hyps(words);
    EXPECT_EQ(outcome.code, 3) << words[0];
    EXPECT_THAT(outcome.errors, HasSubstr("there is no file")) << words[0];
  }
  EXPECT_EQ(hyps({"partition", shapes_, "-o", "/proc/nowhere/x"}).code, 7);
  EXPECT_EQ(hyps({"--broker", "127.0.0.1:1", "get", "models"}).code, 5);
}

TEST_F(Files, APlanIsATableJsonAndAPicture) {
  const Outcome table = hyps({"plan", shapes_, "--memory", "4M", "--workers", "3"});
  EXPECT_EQ(table.code, 0) << table.errors;
  EXPECT_THAT(table.output, HasSubstr("h01.0"));

  const Outcome printed = hyps(
      {"plan", shapes_, "--memory", "4M", "--workers", "3", "-o", "json", "--svg", at("plan.svg")});
  ASSERT_EQ(printed.code, 0) << printed.errors;
  const json plan = json::parse(printed.output, nullptr, false);
  ASSERT_FALSE(plan.is_discarded());
  EXPECT_GT(plan.at("partitions").size(), 3U);
  const std::string svg = text_of(at("plan.svg"));
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_THAT(svg, HasSubstr("<svg"));
  for (const json& partition : plan.at("partitions")) {
    EXPECT_THAT(svg, HasSubstr(partition.at("name").get<std::string>()));
  }
}

TEST_F(Files, TheCheckOfPicturesKnowsBrokenOnes) {
  EXPECT_TRUE(is_well_formed(R"(<a><b c="1"/><d>text</d></a>)"));
  for (const char* broken : {"<a>", "<a></b>", "<a b=\"1></a>", "<a <b></b></a>", "</a>"}) {
    EXPECT_FALSE(is_well_formed(broken)) << broken;
  }
}

TEST_F(Files, PartitionsOnDiskGiveTheModelsAnswer) {
  const Outcome whole =
      hyps({"run", shapes_, "--input", star_, "-o", "json", "--output", at("y.npy")});
  ASSERT_EQ(whole.code, 0) << whole.errors;
  const json expected = json::parse(whole.output);
  EXPECT_EQ(expected.at("top").at(0).at("label"), "star");
  for (const std::string threshold : {"2M", "500k", "100k"}) {
    const std::string bundles = at("bundles-" + threshold);
    const Outcome written = hyps({"partition", shapes_, "--threshold", threshold, "-o", bundles});
    ASSERT_EQ(written.code, 0) << written.errors;
    const Outcome run = hyps({"run", bundles, "--input", star_, "-o", "json"});
    ASSERT_EQ(run.code, 0) << run.errors;
    const json answer = json::parse(run.output);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(answer.at("top").at(i).at("id"), expected.at("top").at(i).at("id"));
      EXPECT_NEAR(answer.at("top").at(i).at("score").get<double>(),
                  expected.at("top").at(i).at("score").get<double>(), 1e-5);
    }
    const json plan = json::parse(text_of(bundles + "/plan.json"));
    for (const json& partition : plan.at("partitions")) {
      EXPECT_TRUE(
          std::filesystem::is_directory(bundles + "/" + partition.at("name").get<std::string>()));
    }
  }
}

TEST_F(Files, ADamagedBundleIsRefused) {
  const std::string bundles = at("bundles");
  ASSERT_EQ(hyps({"partition", shapes_, "--threshold", "500k", "-o", bundles}).code, 0);
  std::filesystem::resize_file(bundles + "/v01/weights.bin", 100);
  const Outcome run = hyps({"run", bundles, "--input", star_});
  EXPECT_EQ(run.code, 4) << run.errors;
  EXPECT_THAT(run.errors, HasSubstr("v01"));
  std::filesystem::remove_all(bundles + "/v01");
  EXPECT_NE(hyps({"run", bundles, "--input", star_}).code, 0);
}

TEST_F(Files, VerifyTellsRightFromWrong) {
  const std::string set = at("test_data_set_0");
  std::filesystem::create_directory(set);
  ASSERT_EQ(hyps({"make-model", "squeezenet1_1", "-o", at("net.onnx")}).code, 0);
  // The output of another network of the same shape, and of the network itself.
  ASSERT_EQ(hyps({"make-model", "squeezenet1_1", "--seed", "2", "-o", at("other.onnx")}).code, 0);
  const std::string picture = source("models/images/star.png").string();
  const auto write_case = [&](const std::string& model) {
    return hyps({"run", at(model), "--input", picture, "--output", at("y.npy")}).code;
  };
  std::ofstream(at("flat.npy")) << [] {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 224, 224), }";
    header.resize(118 - 1, ' ');
    header += '\n';
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header +
           std::string(std::size_t{3} * 224 * 224 * 4, '\x3e');
  }();
  ASSERT_EQ(hyps({"run", at("net.onnx"), "--input", at("flat.npy"), "--output", at("y.npy")}).code,
            0);
  const Outcome right = hyps({"verify", at("net.onnx"), "--input", at("flat.npy"), "--expected",
                              at("y.npy"), "--threshold", "300k"});
  EXPECT_EQ(right.code, 0) << right.output << right.errors;
  ASSERT_EQ(write_case("other.onnx"), 0);
  const Outcome wrong =
      hyps({"verify", at("net.onnx"), "--input", at("flat.npy"), "--expected", at("y.npy")});
  EXPECT_EQ(wrong.code, 1) << wrong.output << wrong.errors;
  EXPECT_THAT(wrong.output, HasSubstr("DIFFERS"));
}

TEST_F(Files, AModelThatWasMadeCanBePlannedAndRun) {
  const Outcome made = hyps({"make-model", "squeezenet1_1", "-o", at("net.onnx")});
  ASSERT_EQ(made.code, 0) << made.errors;
  EXPECT_THAT(made.output, HasSubstr("1.2"));  // million parameters
  EXPECT_EQ(hyps({"plan", at("net.onnx"), "--memory", "8M"}).code, 0);
  const Outcome run = hyps({"run", at("net.onnx"), "--input", star_, "-o", "json"});
  ASSERT_EQ(run.code, 0) << run.errors;
  EXPECT_EQ(json::parse(run.output).at("top").size(), 5U);
  const auto first = text_of(at("net.weights"));
  ASSERT_EQ(hyps({"make-model", "squeezenet1_1", "-o", at("net.onnx")}).code, 0);
  EXPECT_TRUE(first == text_of(at("net.weights"))) << "the same seed gives the same bytes";
}

TEST_F(Files, NoProgressBarsOrColoursWhenPiped) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"make-model", "squeezenet1_1", "-o", at("net.onnx")},
           {"partition", shapes_, "--threshold", "500k", "-o", at("bundles")},
           {"run", shapes_, "--input", star_}}) {
    const Outcome outcome = hyps(words);
    EXPECT_EQ(outcome.code, 0) << outcome.errors;
    EXPECT_EQ(outcome.errors, "") << words[0];
    EXPECT_EQ(outcome.output.find('\r'), std::string::npos) << words[0];
    EXPECT_EQ(outcome.output.find('\x1b'), std::string::npos) << words[0];
  }
}

}  // namespace
}  // namespace hyps::test
