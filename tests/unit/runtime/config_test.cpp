#include "common/runtime/config.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "common/base/file.hpp"

namespace hyps::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Config {
  std::string name = "w \"1\"\\";
  bool safe = false;
  std::int64_t threads = 2;
  std::int64_t memory = 64 << 20;
  std::string level = "info";
  BrokerConfig broker;
  Schema schema;

  Config() {
    schema.text("name", &name, "Name of the worker");
    schema.boolean("safe", &safe, "Whether it may see images");
    schema.integer("threads", &threads, 1, 64, "Threads that compute");
    schema.bytes("memory", &memory, 1 << 20, std::int64_t{1} << 40, "Memory budget");
    schema.choice("log_level", &level, {"debug", "info"}, "What is logged");
    declare(schema, broker);
  }
};

std::string error_of(const Status& status) {
  EXPECT_FALSE(status.ok());
  return status.ok() ? "" : status.error().message;
}

TEST(Config, reads_every_kind_of_value) {
  Config config;
  ASSERT_TRUE(config.schema
                  .load_yaml("name: w7\nsafe: true\n# a comment\nthreads: 4\nmemory: 256M\n"
                             "log_level: debug\nbroker_port: 1884\n",
                             "w.yaml")
                  .ok());
  EXPECT_EQ(config.name, "w7");
  EXPECT_TRUE(config.safe);
  EXPECT_EQ(config.threads, 4);
  EXPECT_EQ(config.memory, 256 << 20);
  EXPECT_EQ(config.level, "debug");
  EXPECT_EQ(config.broker.port, 1884);
}

TEST(Config, an_empty_file_changes_nothing) {
  Config config;
  EXPECT_TRUE(config.schema.load_yaml("", "w.yaml").ok());
  EXPECT_TRUE(config.schema.load_yaml("# nothing\n", "w.yaml").ok());
  EXPECT_EQ(config.threads, 2);
}

TEST(Config, an_unknown_key_names_itself_its_file_and_line) {
  Config config;
  EXPECT_THAT(
      error_of(config.schema.load_yaml("threads: 4\nthread: 5\n", "w.yaml")),
      AllOf(HasSubstr("w.yaml"), HasSubstr("line 2"), HasSubstr("'thread'"), HasSubstr("threads")));
}

TEST(Config, a_bad_value_names_key_file_line_and_what_is_wanted) {
  Config config;
  EXPECT_THAT(error_of(config.schema.load_yaml("\nthreads: many\n", "w.yaml")),
              AllOf(HasSubstr("w.yaml, line 2"), HasSubstr("threads"), HasSubstr("'many'"),
                    HasSubstr("1 to 64")));
  EXPECT_THAT(error_of(config.schema.load_yaml("threads: 65", "w.yaml")), HasSubstr("1 to 64"));
  EXPECT_THAT(error_of(config.schema.load_yaml("threads: 4x", "w.yaml")), HasSubstr("'4x'"));
  EXPECT_THAT(error_of(config.schema.load_yaml("memory: 12", "w.yaml")), HasSubstr("memory"));
  EXPECT_THAT(error_of(config.schema.load_yaml("safe: maybe", "w.yaml")), HasSubstr("true"));
  EXPECT_THAT(error_of(config.schema.load_yaml("log_level: loud", "w.yaml")),
              HasSubstr("debug, info"));
  EXPECT_EQ(config.threads, 2);
}

TEST(Config, text_that_is_no_map_of_values_is_refused_with_its_line) {
  Config config;
  EXPECT_THAT(error_of(config.schema.load_yaml("threads: [1, 2]", "w.yaml")), HasSubstr("line 1"));
  EXPECT_THAT(error_of(config.schema.load_yaml("- a\n- b", "w.yaml")), HasSubstr("w.yaml"));
  EXPECT_THAT(error_of(config.schema.load_yaml("a: 'b\nc: {", "w.yaml")), HasSubstr("line"));
  EXPECT_THAT(error_of(config.schema.load_yaml("just text", "w.yaml")), HasSubstr("w.yaml"));
  EXPECT_FALSE(config.schema.load_yaml(std::string("\0\x01\xff", 3), "w.yaml").ok());
}

TEST(Config, the_sample_loads_and_gives_the_defaults) {
  const std::string sample = Config().schema.sample();
  Config config;
  config.name = "other";
  config.threads = 9;
  const Status status = config.schema.load_yaml(sample, "sample");
  ASSERT_TRUE(status.ok()) << status.error().message << "\n" << sample;
  EXPECT_EQ(config.name, Config().name);
  EXPECT_EQ(config.threads, 2);
  EXPECT_EQ(config.broker.username, "");
  EXPECT_THAT(sample, HasSubstr("HYPS_BROKER_HOST"));
  EXPECT_THAT(sample, HasSubstr("1 to 64"));
}

class Arguments : public testing::Test {
 protected:
  Result<bool> parse(std::vector<std::string> words) {
    words.insert(words.begin(), "hyps-worker");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    return parse_service_arguments(static_cast<int>(argv.size()), argv.data(), "hyps-worker",
                                   config_.schema);
  }
  Config config_;
  TemporaryFolder folder_;
};

TEST_F(Arguments, settings_win_over_environment_over_file) {
  const std::string file = (folder_.path() / "w.yaml").string();
  ASSERT_TRUE(write_file(file, "threads: 3\nname: file\nbroker_host: file\n").ok());
  ASSERT_EQ(setenv("HYPS_NAME", "environment", 1), 0);
  ASSERT_EQ(setenv("HYPS_BROKER_HOST", "environment", 1), 0);
  const auto run = parse({"--config", file, "--set", "broker_host=a=b"});
  unsetenv("HYPS_NAME");
  unsetenv("HYPS_BROKER_HOST");
  ASSERT_TRUE(run.ok()) << run.error().message;
  EXPECT_TRUE(*run);
  EXPECT_EQ(config_.threads, 3);
  EXPECT_EQ(config_.name, "environment");
  EXPECT_EQ(config_.broker.host, "a=b");
}

TEST_F(Arguments, that_ask_for_text_print_it_and_do_not_run) {
  for (const char* word : {"--help", "--version", "--print-config"}) {
    testing::internal::CaptureStdout();
    const auto run = parse({word});
    const std::string printed = testing::internal::GetCapturedStdout();
    ASSERT_TRUE(run.ok());
    EXPECT_FALSE(*run);
    EXPECT_FALSE(printed.empty()) << word;
  }
}

TEST_F(Arguments, that_are_wrong_are_refused_with_a_clear_word) {
  EXPECT_THAT(parse({"--conf", "x"}).error().message, HasSubstr("--conf"));
  EXPECT_THAT(parse({"--set"}).error().message, HasSubstr("--set"));
  EXPECT_THAT(parse({"--set", "threads"}).error().message, HasSubstr("KEY=VALUE"));
  EXPECT_THAT(parse({"--set", "threads=no"}).error().message, HasSubstr("threads"));
  EXPECT_THAT(parse({"--config", "/nowhere/w.yaml"}).error().message, HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace hyps::runtime
