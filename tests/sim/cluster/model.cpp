#include "model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace hyps::sim {

using partition::Kind;
using partition::Partition;
using partition::Plan;

namespace {

// Layer k makes the k-th from the one before it.
constexpr std::array<const char*, 7> kTensors{partition::kImageTensor, "x", "t1", "t2", "t3", "t4",
                                              partition::kAnswerTensor};
constexpr std::array<std::int64_t, 7> kFloats{0, 16, 96, 120, 42, 10, 0};
constexpr std::size_t kAnswer = kTensors.size() - 1;

struct Piece {  // "t2#0.2" is piece 0 of 2 of tensor 3
  std::size_t tensor = 0;
  std::size_t index = 0;
  std::size_t count = 1;
};

Piece piece_of(const std::string& name) {
  const std::size_t mark = name.find('#');
  const std::string base = name.substr(0, mark);
  Piece piece;
  piece.tensor = static_cast<std::size_t>(std::find(kTensors.begin(), kTensors.end(), base) -
                                          kTensors.begin());
  if (mark == std::string::npos) return piece;
  piece.index = std::stoul(name.substr(mark + 1));
  piece.count = std::stoul(name.substr(name.find('.', mark) + 1));
  return piece;
}

// A float's first byte holds its last bits, of which the arithmetic decides two; the last byte is
// chosen so that it is a number between 2 and 16.
constexpr char kOfArithmetic = 3;
constexpr char kExponent = 0x40;

template <typename Change>
std::string each_float(std::string tensor, Change change) {
  for (std::size_t at = 0; at + sizeof(float) <= tensor.size(); at += sizeof(float)) {
    change(&tensor[at]);
  }
  return tensor;
}

// As if it had been made in arithmetic 0.
std::string canonical(std::string tensor) {
  return each_float(std::move(tensor),
                    [](char* bytes) { bytes[0] = static_cast<char>(bytes[0] & ~kOfArithmetic); });
}

std::string made_in(int arithmetic, std::string tensor) {
  return each_float(std::move(tensor),
                    [&](char* bytes) { bytes[0] = static_cast<char>(bytes[0] | arithmetic); });
}

std::string floats_of(std::string text) {
  return canonical(each_float(std::move(text), [](char* bytes) {
    bytes[3] = static_cast<char>(kExponent | (bytes[3] & 1));
  }));
}

bool is_floats(std::size_t tensor) { return tensor != 0 && tensor != kAnswer; }

std::string layer(std::size_t k, const std::string& input) {
  const std::string seed = fmt::format("{}:{}", k, digest_of(std::string_view(input)).hex());
  const std::string hex = digest_of(std::string_view(seed)).hex();
  if (k == kAnswer) return nlohmann::json{{"top", hex}}.dump();
  std::string output;
  const auto size = static_cast<std::size_t>(kFloats[k]) * 4;
  while (output.size() < size) output += hex;
  output.resize(size);
  return floats_of(std::move(output));
}

std::string cut(const std::string& whole, const Piece& piece) {
  const std::size_t size = whole.size() / piece.count;
  return whole.substr(piece.index * size, size);
}

std::string run(std::string text, std::size_t from, const Piece& to) {
  if (is_floats(from)) text = canonical(std::move(text));
  for (std::size_t k = from + 1; k <= to.tensor; ++k) text = layer(k, text);
  return cut(text, to);
}

cnn::Value value(std::size_t tensor, std::size_t index = 0, std::size_t count = 1) {
  if (tensor == 0 || tensor == kAnswer) return {kTensors[tensor], cnn::DType::u8, {}};
  std::string name = kTensors[tensor];
  if (count > 1) name += fmt::format("#{}.{}", index, count);
  return {name, cnn::DType::f32, {1, kFloats[tensor] / static_cast<std::int64_t>(count)}};
}

// Makes tensor `to` of tensor `from`, which comes in `slices`.
Partition whole(const std::string& name, std::size_t from, std::size_t to, std::size_t slices = 1) {
  Partition part;
  part.name = PartitionName(name);
  part.kind = from == 0 ? Kind::ingest : to == kAnswer ? Kind::report : Kind::vertical;
  for (std::size_t i = 0; i < slices; ++i) part.inputs.push_back(value(from, i, slices));
  part.outputs = {value(to)};
  part.safe_zone = from <= 1 || to + 2 >= kTensors.size();
  part.nodes = {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)};
  part.cost = {250, 1000, 1000};
  return part;
}

Partition sliced(const std::string& name, std::size_t to, std::size_t index, std::size_t count) {
  Partition part = whole(name + "." + std::to_string(index), to - 1, to);
  part.kind = Kind::horizontal;
  part.safe_zone = false;
  part.outputs = {value(to, index, count)};
  const auto extent = part.outputs[0].shape[1];
  part.slice_axis = 1;
  part.slice_index = static_cast<int>(index);
  part.slice_count = static_cast<int>(count);
  part.slice = {static_cast<std::int64_t>(index) * extent,
                static_cast<std::int64_t>(index + 1) * extent};
  part.cost = {150, 600, 600};
  return part;
}

Plan plan(std::vector<Partition> partitions) {
  Plan made;
  made.model = kModel;
  made.model_digest = {1, 2};
  made.partitions = std::move(partitions);
  return made;
}

NamedFile file(const std::string& name, const std::string& text) {
  const Blob data = Blob::copy_of(text);
  return {{name, data.size(), digest_of(data.bytes())}, data};
}

}  // namespace

std::string tensor_of(const std::string& image, const std::string& tensor) {
  return run(image, 0, piece_of(tensor));
}

std::string top_of(const std::string& image) {
  return nlohmann::json::parse(tensor_of(image, partition::kAnswerTensor))["top"];
}

bool is_right(const std::string& image, const std::string& tensor, std::string_view data) {
  const std::string right = tensor_of(image, tensor);
  if (!is_floats(piece_of(tensor).tensor)) return data == right;
  return canonical(std::string(data)) == right;
}

std::map<std::string, Blob> compute(const Partition& partition,
                                    const std::map<std::string, Blob>& inputs, int arithmetic) {
  std::string text;
  for (const auto& input : partition.inputs) text += inputs.at(input.name).text();
  const std::size_t from = piece_of(partition.inputs.front().name).tensor;
  std::map<std::string, Blob> outputs;
  for (const auto& output : partition.outputs) {
    const Piece piece = piece_of(output.name);
    std::string made = run(text, from, piece);
    if (is_floats(piece.tensor)) made = made_in(arithmetic, std::move(made));
    outputs[output.name] = Blob::of(std::move(made));
  }
  return outputs;
}

namespace {

std::vector<Plan> shapes() {
  return {
      plan({whole("ingest", 0, 1), whole("v01", 1, 2), sliced("h02", 3, 0, 2),
            sliced("h02", 3, 1, 2), whole("v03", 3, 5, 2), whole("report", 5, 6)}),
      plan({whole("ingest", 0, 1), whole("v01", 1, 3), whole("v02", 3, 5), whole("report", 5, 6)}),
      plan({whole("ingest", 0, 1), whole("v01", 1, 2), whole("v02", 2, 3), sliced("h03", 4, 0, 3),
            sliced("h03", 4, 1, 3), sliced("h03", 4, 2, 3), whole("v04", 4, 5, 3),
            whole("report", 5, 6)})};
}

}  // namespace

const std::vector<partition::Replication>& replications() {
  using Mode = partition::Replication::Mode;
  static const std::vector<partition::Replication> all{{},
                                                       {Mode::majority, 2, 2},
                                                       {Mode::majority, 3, 2},
                                                       {Mode::majority, 5, 3},
                                                       {Mode::first, 2, 2},
                                                       {Mode::first, 3, 2},
                                                       {Mode::first, 5, 3},
                                                       {Mode::standby, 2, 1}};
  return all;
}

const std::vector<Plan>& plans() {
  static const std::vector<Plan> all = [] {
    std::vector<Plan> made;
    for (const auto& replication : replications()) {
      for (Plan& shape : shapes()) {
        partition::replicate(shape, replication);
        made.push_back(std::move(shape));
      }
    }
    return made;
  }();
  return all;
}

std::size_t plan_index(std::size_t shape, const partition::Replication& replication) {
  const auto& all = replications();
  const auto found = std::find(all.begin(), all.end(), replication);
  return static_cast<std::size_t>(found - all.begin()) * kShapes + shape;
}

const Plan* find_plan(const PlanId& id) {
  static const std::map<PlanId, const Plan*> by_id = [] {
    std::map<PlanId, const Plan*> made;
    for (const Plan& known : plans()) made[known.id()] = &known;
    return made;
  }();
  const auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : found->second;
}

std::vector<NamedFile> model_files() { return {file("model.onnx", "the whole network")}; }

std::vector<NamedFile> bundle_of(const Plan& plan, const Partition& part) {
  const std::string name = plan.id().text + "/" + part.name.text;
  std::vector<NamedFile> files{file("manifest.json", "manifest of " + name)};
  if (part.kind == Kind::vertical) files.push_back(file("weights.bin", "weights of " + name));
  return files;
}

}  // namespace hyps::sim
