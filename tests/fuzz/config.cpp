// A configuration file, over one key of each kind. What is read keeps to its range, and the sample
// of what is then in force loads.
#include "common/runtime/config.hpp"

#include <algorithm>

#include "tests/fuzz/check.hpp"

namespace hyps::fuzz {
namespace {

struct Keys {
  std::string text = "some \"text\"";
  bool flag = false;
  std::int64_t count = 3;
  std::int64_t size = 1 << 20;
  std::string choice = "one";
  runtime::BrokerConfig broker;

  runtime::Schema schema() {
    runtime::Schema schema;
    schema.text("text", &text, "any text");
    schema.boolean("flag", &flag, "a flag");
    schema.integer("count", &count, 1, 10, "a number");
    schema.bytes("size", &size, 1, 1LL << 40, "a size");
    schema.choice("choice", &choice, {"one", "two"}, "a choice");
    runtime::declare(schema, broker);
    return schema;
  }
};

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
}

}  // namespace
}  // namespace hyps::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hyps;
  fuzz::Keys keys;
  const Status status = keys.schema().load_yaml(fuzz::text_of(data, size), "file");
  if (!status.ok()) fuzz::require(!status.error().message.empty(), "an error without a message");
  fuzz::require(keys.count >= 1 && keys.count <= 10, "a number left its range");
  fuzz::require(keys.size >= 1 && keys.size <= 1LL << 40, "a size left its range");
  fuzz::require(keys.choice == "one" || keys.choice == "two", "a choice that is none");
  if (!status.ok()) return 0;
  fuzz::Keys again;
  const std::string sample = keys.schema().sample();
  fuzz::require(again.schema().load_yaml(sample, "sample").ok(), "the sample does not load");
  // Bytes that are no UTF-8 are replaced in a sample, which is for people.
  fuzz::require(!fuzz::is_ascii(keys.text) || again.text == keys.text, "a text changed");
  fuzz::require(again.flag == keys.flag && again.size == keys.size,
                "the sample says something else");
  return 0;
}
