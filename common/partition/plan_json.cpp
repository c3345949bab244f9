#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/partition/plan.hpp"

namespace hyps::partition {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr int kMaxDepth = 8;

const char* name_of_unit(Threshold::Unit unit) {
  return unit == Threshold::Unit::parameters ? "parameters" : "bytes";
}

Json to_json(const std::vector<cnn::Value>& values) {
  Json list = Json::array();
  for (const auto& value : values) {
    list.push_back(
        {{"name", value.name}, {"type", cnn::to_string(value.type)}, {"shape", value.shape}});
  }
  return list;
}

Json replication_json(const Replication& replication) {
  return {{"mode", to_string(replication.mode)},
          {"replicas", replication.replicas},
          {"quorum", replication.quorum}};
}

Json to_json(const Partition& partition) {
  Json json;
  json["name"] = partition.name.text;
  json["kind"] = to_string(partition.kind);
  json["safe_zone"] = partition.safe_zone;
  json["layers"] = partition.layers;
  json["nodes"] = {partition.nodes.begin, partition.nodes.end};
  if (is_sibling(partition.kind)) {
    json["slice"] = {{"axis", partition.slice_axis},
                     {"range", {partition.slice.begin, partition.slice.end}},
                     {"index", partition.slice_index},
                     {"count", partition.slice_count}};
  }
  if (partition.replication != Replication{}) {
    json["replication"] = replication_json(partition.replication);
  }
  json["inputs"] = to_json(partition.inputs);
  json["outputs"] = to_json(partition.outputs);
  json["parameters"] = partition.cost.parameters;
  json["weight_bytes"] = partition.cost.weight_bytes;
  json["flops"] = partition.cost.flops;
  json["activation_bytes"] = partition.activation_bytes;
  return json;
}

// Reads one JSON object. The first thing that is wrong is kept; what is read after it means
// nothing. Every key must be read, or finish() complains of it.
class Reader {
 public:
  Reader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) fail("is no JSON object");
  }

  std::string text(const char* key) {
    const Json* found = find(key);
    if (found != nullptr && !found->is_string()) fail(key, "is no string");
    return ok() ? found->get<std::string>() : std::string();
  }
  bool boolean(const char* key) {
    const Json* found = find(key);
    if (found != nullptr && !found->is_boolean()) fail(key, "is neither true nor false");
    return ok() && found->get<bool>();
  }
  std::int64_t integer(const char* key) {
    const Json* found = find(key);
    return found == nullptr ? 0 : integer(*found, key);
  }
  int small(const char* key) {
    const std::int64_t number = integer(key);
    if (number < std::numeric_limits<int>::min() || number > std::numeric_limits<int>::max()) {
      fail(key, "is out of range");
    }
    return ok() ? static_cast<int>(number) : 0;
  }
  std::vector<std::int64_t> integers(const char* key) {
    std::vector<std::int64_t> numbers;
    for (const Json* element : elements(key)) numbers.push_back(integer(*element, key));
    return numbers;
  }
  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> list;
    for (const Json* element : elements(key)) {
      if (!element->is_string()) fail(key, "has an element that is no string");
      if (ok()) list.push_back(element->get<std::string>());
    }
    return list;
  }
  cnn::Range range(const char* key) {
    const std::vector<std::int64_t> ends = integers(key);
    if (ok() && (ends.size() != 2 || ends[0] < 0 || ends[1] < ends[0])) {
      fail(key, "is no range [begin, end]");
    }
    return ok() ? cnn::Range{ends[0], ends[1]} : cnn::Range{};
  }
  std::vector<const Json*> elements(const char* key) {
    const Json* found = find(key);
    if (found != nullptr && !found->is_array()) fail(key, "is no list");
    std::vector<const Json*> list;
    if (!ok()) return list;
    for (const auto& element : *found) list.push_back(&element);
    return list;
  }
  const Json* object(const char* key) { return find(key); }
  [[nodiscard]] bool has(const char* key) const { return json_.is_object() && json_.contains(key); }

  void fail(const std::string& key, const std::string& why) { fail("'" + key + "' " + why); }
  void take(const Status& status) {
    if (ok() && !status.ok()) problem_ = status.error().message;
  }
  [[nodiscard]] bool ok() const { return problem_.empty(); }
  Status finish() {
    if (ok()) {
      for (const auto& [key, value] : json_.items()) {
        const bool known = std::find(read_.begin(), read_.end(), key) != read_.end();
        if (!known) fail(key.substr(0, 64), "is no known key");
      }
    }
    if (ok()) return {};
    return Error{ErrorKind::invalid, problem_};
  }

 private:
  void fail(const std::string& why) {
    if (ok()) problem_ = where_ + ": " + why;
  }
  const Json* find(const char* key) {
    read_.emplace_back(key);
    if (!ok()) return nullptr;
    const auto found = json_.find(key);
    if (found == json_.end()) {
      fail(key, "is missing");
      return nullptr;
    }
    return &*found;
  }
  std::int64_t integer(const Json& value, const char* key) {
    const bool whole = value.is_number_integer();
    const bool too_large =
        value.is_number_unsigned() &&
        value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!whole || too_large) fail(key, "is no 64-bit integer");
    return ok() ? value.get<std::int64_t>() : 0;
  }

  const Json& json_;
  std::string where_;
  std::string problem_;
  std::vector<std::string> read_;
};

template <typename Enum>
std::optional<Enum> one_of(const std::string& text, const char* (*name_of)(Enum),
                           std::initializer_list<Enum> choices) {
  for (const Enum choice : choices) {
    if (text == name_of(choice)) return choice;
  }
  return std::nullopt;
}

Result<cnn::Value> read_value(const Json& json, const std::string& where) {
  using cnn::DType;
  Reader reader(json, where);
  cnn::Value value;
  value.name = reader.text("name");
  const auto type = one_of<DType>(reader.text("type"), cnn::to_string,
                                  {DType::f32, DType::i64, DType::i32, DType::u8, DType::boolean});
  if (!type) reader.fail("type", "is no tensor type");
  value.type = type.value_or(DType::f32);
  value.shape = reader.integers("shape");
  HYPS_CHECK(reader.finish());
  return value;
}

std::vector<cnn::Value> read_values(Reader& reader, const char* key, const std::string& where) {
  std::vector<cnn::Value> values;
  for (const Json* element : reader.elements(key)) {
    Result<cnn::Value> value = read_value(*element, where + ", " + key);
    if (!value.ok()) {
      reader.take(value.error());
      break;
    }
    values.push_back(std::move(value).value());
  }
  return values;
}

Status read_slice(const Json& json, const std::string& where, Partition& partition) {
  Reader reader(json, where + ", slice");
  partition.slice_axis = reader.small("axis");
  partition.slice = reader.range("range");
  partition.slice_index = reader.small("index");
  partition.slice_count = reader.small("count");
  return reader.finish();
}

Result<Replication> read_replication(const Json& json, const std::string& where) {
  using Mode = Replication::Mode;
  Reader reader(json, where);
  Replication replication;
  const auto mode =
      one_of<Mode>(reader.text("mode"), to_string, {Mode::majority, Mode::first, Mode::standby});
  if (!mode) reader.fail("mode", "is none of majority, first, standby");
  replication.mode = mode.value_or(Mode::majority);
  replication.replicas = reader.small("replicas");
  replication.quorum = reader.small("quorum");
  HYPS_CHECK(reader.finish());
  return replication;
}

Result<Partition> read_partition(const Json& json, std::size_t index) {
  const std::string where = fmt::format("partition {} of the plan", index);
  Reader reader(json, where);
  Partition partition;
  partition.name = PartitionName(reader.text("name"));
  const auto kind =
      one_of<Kind>(reader.text("kind"), to_string,
                   {Kind::ingest, Kind::vertical, Kind::horizontal, Kind::tile, Kind::report});
  if (!kind) reader.fail("kind", "is none of ingest, vertical, horizontal, tile, report");
  partition.kind = kind.value_or(Kind::vertical);
  partition.safe_zone = reader.boolean("safe_zone");
  partition.layers = reader.texts("layers");
  partition.nodes = reader.range("nodes");
  if (is_sibling(partition.kind)) {
    const Json* slice = reader.object("slice");
    if (slice != nullptr) reader.take(read_slice(*slice, where, partition));
  }
  if (reader.has("replication")) {
    auto replication = read_replication(*reader.object("replication"), where + ", replication");
    if (replication.ok()) partition.replication = *replication;
    reader.take(replication.ok() ? Status() : Status(replication.error()));
  }
  partition.inputs = read_values(reader, "inputs", where);
  partition.outputs = read_values(reader, "outputs", where);
  partition.cost.parameters = reader.integer("parameters");
  partition.cost.weight_bytes = reader.integer("weight_bytes");
  partition.cost.flops = reader.integer("flops");
  partition.activation_bytes = reader.integer("activation_bytes");
  HYPS_CHECK(reader.finish());
  return partition;
}

Result<Threshold> read_threshold(const Json& json) {
  using Unit = Threshold::Unit;
  Reader reader(json, "threshold of the plan");
  const auto unit =
      one_of<Unit>(reader.text("unit"), name_of_unit, {Unit::parameters, Unit::bytes});
  if (!unit) reader.fail("unit", "is neither parameters nor bytes");
  const std::int64_t value = reader.integer("value");
  if (value < 0) reader.fail("value", "is negative");
  HYPS_CHECK(reader.finish());
  return Threshold{*unit, value};
}

// The parser keeps a stack of its own, so depth costs memory, which the text's size must bound.
bool is_too_deep(const std::string& text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Result<Json> parse(const std::string& text) {
  if (text.size() > kMaxPlanJsonBytes) {
    return Error{ErrorKind::invalid, fmt::format("the plan is {} bytes of JSON; the most is {}",
                                                 text.size(), kMaxPlanJsonBytes)};
  }
  if (is_too_deep(text)) {
    return Error{ErrorKind::invalid, "the plan's JSON is nested too deeply to be a plan"};
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& problem) {
    return Error{ErrorKind::invalid, std::string("the plan is no JSON: ") + problem.what()};
  }
}

}  // namespace

std::string to_json(const Plan& plan) {
  Json json;
  json["version"] = kVersion;
  json["model"] = plan.model;
  json["model_digest"] = plan.model_digest.hex();
  json["threshold"] = {{"unit", name_of_unit(plan.threshold.unit)},
                       {"value", plan.threshold.value}};
  if (plan.objective != Objective::latency) json["objective"] = to_string(plan.objective);
  json["partitions"] = Json::array();
  for (const auto& partition : plan.partitions) json["partitions"].push_back(to_json(partition));
  // check() lets only UTF-8 through; a plan that was never checked must not throw here either.
  return json.dump(1, ' ', false, Json::error_handler_t::replace);
}

std::string to_json(const Replication& replication) { return replication_json(replication).dump(); }

Result<Replication> replication_from_json(const std::string& text) {
  HYPS_TRY(const Json json, parse(text));
  HYPS_TRY(const Replication replication, read_replication(json, "replication"));
  HYPS_CHECK(check(replication));
  return replication;
}

Result<Plan> plan_from_json(const std::string& text) {
  HYPS_TRY(const Json json, parse(text));
  Reader reader(json, "the plan");
  const std::int64_t version = reader.integer("version");
  if (reader.ok() && version != kVersion) {
    return Error{
        ErrorKind::unsupported,
        fmt::format("the plan has version {}; this program reads version {}", version, kVersion)};
  }
  Plan plan;
  plan.model = reader.text("model");
  const auto digest = Digest::from_hex(reader.text("model_digest"));
  if (!digest) reader.fail("model_digest", "is not 32 hex digits");
  plan.model_digest = digest.value_or(Digest{});
  if (const Json* threshold = reader.object("threshold")) {
    HYPS_TRY(plan.threshold, read_threshold(*threshold));
  }
  if (reader.has("objective")) {
    const auto objective = objective_named(reader.text("objective"));
    if (objective.ok()) plan.objective = *objective;
    reader.take(objective.ok() ? Status() : Status(objective.error()));
  }
  std::size_t index = 0;
  for (const Json* element : reader.elements("partitions")) {
    HYPS_TRY(Partition partition, read_partition(*element, index++));
    plan.partitions.push_back(std::move(partition));
  }
  HYPS_CHECK(reader.finish());
  HYPS_CHECK(check(plan));
  return plan;
}

}  // namespace hyps::partition
