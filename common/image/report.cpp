#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/base/digest.hpp"
#include "common/cnn/limits.hpp"
#include "common/image/image.hpp"

namespace hyps::image {
namespace {

using Json = nlohmann::ordered_json;

// The double whose shortest form is the float's shortest form: 0.97, not 0.9700000286102295. NaN
// and infinity, which JSON lacks, become null.
Json json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  const std::string text = fmt::format("{}", value);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Numbers of the `top` largest scores; equal ones in the order of their numbers, NaN last.
std::vector<std::size_t> best(std::span<const float> scores, int top) {
  std::vector<std::size_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), std::size_t{0});
  const std::size_t count = std::min(ids.size(), static_cast<std::size_t>(std::max(top, 0)));
  const auto rank = [&scores](std::size_t id) {
    return std::isnan(scores[id]) ? -HUGE_VALF : scores[id];
  };
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(),
                    [&rank](std::size_t a, std::size_t b) {
                      return rank(a) > rank(b) || (rank(a) == rank(b) && a < b);
                    });
  ids.resize(count);
  return ids;
}

template <typename Element, typename Write>
Json list_of(std::span<const Element> elements, const Write& write) {
  Json list = Json::array();
  for (const Element element : elements) list.push_back(write(element));
  return list;
}

// All elements, in row-major order.
Json values_json(const cnn::Tensor& tensor) {
  const auto same = [](auto value) { return value; };
  switch (tensor.type) {
    case cnn::DType::f32:
      return list_of(tensor.f32(), json_number);
    case cnn::DType::i64:
      return list_of(tensor.i64(), same);
    case cnn::DType::i32:
      return list_of(tensor.values<std::int32_t>(), same);
    case cnn::DType::u8:
      return list_of(tensor.values<std::uint8_t>(), same);
    case cnn::DType::boolean:
      break;
  }
  return list_of(tensor.values<std::uint8_t>(), [](std::uint8_t byte) { return byte != 0; });
}

Json output_json(const cnn::Value& output, const cnn::Tensor& tensor, bool with_values) {
  Json json{{"name", output.name},
            {"type", cnn::to_string(output.type)},
            {"shape", output.shape},
            {"digest", digest_of(tensor.data.bytes()).hex()}};
  if (with_values) json["values"] = values_json(tensor);
  return json;
}

std::int64_t elements_of(const std::vector<cnn::Value>& outputs) {
  std::int64_t elements = 0;
  for (const cnn::Value& output : outputs) {
    elements = cnn::capped_sum(elements, cnn::element_count(output.shape));
  }
  return elements;
}

// Scores of classes: N x classes, or N x classes x 1 x 1.
bool is_of_classes(const cnn::Value& output) {
  const cnn::Shape& shape = output.shape;
  const bool flat = shape.size() == 2 || (shape.size() == 4 && shape[2] == 1 && shape[3] == 1);
  return output.type == cnn::DType::f32 && flat;
}

Json top_json(const cnn::Tensor& scores, const std::vector<std::string>& labels, int top) {
  Json list = Json::array();
  for (const std::size_t id : best(scores.f32(), top)) {
    list.push_back({{"id", id},
                    {"label", id < labels.size() ? labels[id] : ""},
                    {"score", json_number(scores.f32()[id])}});
  }
  return list;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "n01440764 tench, Tinca tinca" without its WordNet number.
std::string_view without_synset(std::string_view line) {
  constexpr std::size_t kLength = 9;  // n and eight digits
  const bool has = line.size() > kLength + 1 && line[0] == 'n' && line[kLength] == ' ' &&
                   std::all_of(line.begin() + 1, line.begin() + kLength, is_digit);
  return has ? line.substr(kLength + 1) : line;
}

}  // namespace

std::string report(const std::vector<cnn::Value>& outputs, const std::vector<cnn::Tensor>& tensors,
                   const std::vector<std::string>& labels, int top) {
  const bool told = elements_of(outputs) <= kMaxValuesTold;
  Json answer;
  answer["outputs"] = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    answer["outputs"].push_back(output_json(outputs[i], tensors[i], told));
  }
  if (outputs.size() == 1 && is_of_classes(outputs[0])) {
    answer["top"] = top_json(tensors[0], labels, top);
  }
  // A label in a foreign encoding loses its letters, not the answer.
  return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<std::string> parse_labels(const std::string& text) {
  std::vector<std::string> labels;
  std::string_view rest = text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);  // a byte order mark
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    labels.emplace_back(without_synset(line));
  }
  // An empty line between others keeps the numbering; at the end it is none.
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

}  // namespace hyps::image
