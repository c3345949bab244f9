#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/base/digest.hpp"
#include "common/image/image.hpp"

namespace hyps::image {
namespace {

// The double whose shortest form is the float's shortest form: 0.97, not 0.9700000286102295. NaN
// and infinity, which JSON lacks, become null.
nlohmann::json json_number(float value) {
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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "n01440764 tench, Tinca tinca" without its WordNet number.
std::string_view without_synset(std::string_view line) {
  constexpr std::size_t kLength = 9;  // n and eight digits
  const bool has = line.size() > kLength + 1 && line[0] == 'n' && line[kLength] == ' ' &&
                   std::all_of(line.begin() + 1, line.begin() + kLength, is_digit);
  return has ? line.substr(kLength + 1) : line;
}

}  // namespace

std::string report(const std::string& output_name, const cnn::Tensor& output,
                   const std::vector<std::string>& labels, int top) {
  nlohmann::ordered_json answer;
  answer["output"] = {{"name", output_name},
                      {"shape", output.shape},
                      {"digest", digest_of(output.data.bytes()).hex()}};
  answer["top"] = nlohmann::ordered_json::array();
  if (output.type == cnn::DType::f32) {
    for (const std::size_t id : best(output.f32(), top)) {
      answer["top"].push_back({{"id", id},
                               {"label", id < labels.size() ? labels[id] : ""},
                               {"score", json_number(output.f32()[id])}});
    }
  }
  // A label in a foreign encoding loses its letters, not the answer.
  return answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
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
