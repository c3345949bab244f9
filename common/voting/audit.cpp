#include "common/voting/audit.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/voting/compare.hpp"

namespace hyps::voting {

using nlohmann::json;

namespace {

constexpr double kAbsolute = 1e-6;
constexpr double kRelative = 1e-4;
constexpr double kOfScale = 1e-5;

double scale_of(const Blob& tensor) {
  double largest = 0;
  for (std::size_t i = 0; i + sizeof(float) <= tensor.size(); i += sizeof(float)) {
    float value = 0;
    std::memcpy(&value, tensor.data() + i, sizeof(float));
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  }
  return largest;
}

bool near(double a, double b) {
  return std::abs(a - b) <= kAbsolute + (kRelative + kOfScale) * std::max(std::abs(a), std::abs(b));
}

struct Entry {
  json label;
  double score = std::nan("");  // near nothing
};

std::vector<Entry> entries(const json& answer) {
  std::vector<Entry> list;
  for (const json& entry : answer.value("top", json::array())) {
    if (!entry.is_object()) return {};
    const json score = entry.value("score", json());
    list.push_back(
        {entry.value("label", json()), score.is_number() ? score.get<double>() : std::nan("")});
  }
  return list;
}

// Labels may have changed places where scores are next to equal; the last one with one not shown.
bool same_ranking(const std::vector<Entry>& a, const std::vector<Entry>& b) {
  if (a.size() != b.size() || a.empty()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!near(a[i].score, b[i].score)) return false;
    const bool tied = i + 1 == b.size() || near(b[i].score, b[i + 1].score) ||
                      (i > 0 && near(b[i].score, b[i - 1].score));
    if (a[i].label != b[i].label && !tied) return false;
  }
  return true;
}

// What an answer says of an output besides its bits.
json form_of(const json& output) {
  return {output.value("name", json()), output.value("type", json()),
          output.value("shape", json())};
}

double scale_of(const json& values) {
  double largest = 0;
  for (const json& value : values) {
    if (value.is_number()) largest = std::max(largest, std::abs(value.get<double>()));
  }
  return largest;
}

// Values of one output. Integers and truths are not compared: roundings may flip them.
bool near_values(const json& a, const json& b) {
  if (!a.is_array() || !b.is_array()) return a == b;
  if (a.size() != b.size()) return false;
  const double slack = kAbsolute + kOfScale * scale_of(b);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!b[i].is_number_float() || a[i] == b[i]) continue;
    if (!a[i].is_number()) return false;
    const double wanted = b[i].get<double>();
    if (std::abs(a[i].get<double>() - wanted) > slack + kRelative * std::abs(wanted)) return false;
  }
  return true;
}

// Outputs of the same forms whose values, where the answers tell them, are near.
bool near_outputs(const json& a, const json& b) {
  if (!a.is_array() || !b.is_array() || a.size() != b.size() || a.empty()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!a[i].is_object() || !b[i].is_object() || form_of(a[i]) != form_of(b[i])) return false;
    if (!near_values(a[i].value("values", json()), b[i].value("values", json()))) return false;
  }
  return true;
}

json digests(const json& outputs) {
  json list = json::array();
  for (const json& output : outputs) {
    list.push_back(output.is_object() ? output.value("digest", json()) : json());
  }
  return list;
}

bool all(const std::vector<std::string>& names, const std::map<std::string, Likeness>& tensors,
         const auto& is) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto found = tensors.find(name);
    return is(found == tensors.end() ? Likeness::unknown : found->second);
  });
}

}  // namespace

Likeness likeness(const Blob& made, const Blob& known) {
  if (made == known) return Likeness::same;
  const Tolerance tolerance{kAbsolute + kOfScale * scale_of(known), kRelative};
  return compare(made, known, tolerance).agree ? Likeness::near : Likeness::beyond;
}

Likeness likeness_of_answers(const Blob& made, const Blob& known) {
  const json a = json::parse(made.text(), nullptr, false);
  const json b = json::parse(known.text(), nullptr, false);
  if (!a.is_object() || !b.is_object()) return made == known ? Likeness::same : Likeness::beyond;
  if (a == b) return Likeness::same;
  const json made_outputs = a.value("outputs", json());
  const json known_outputs = b.value("outputs", json());
  // Of the very same tensors the answer is the very same.
  if (digests(made_outputs) == digests(known_outputs)) return Likeness::beyond;
  const bool both_rank = a.contains("top") && b.contains("top");
  const bool close = near_outputs(made_outputs, known_outputs) &&
                     a.contains("top") == b.contains("top") &&
                     (!both_rank || same_ranking(entries(a), entries(b)));
  return close ? Likeness::near : Likeness::beyond;
}

Findings judge(const std::vector<Made>& made, const std::map<std::string, Likeness>& tensors) {
  Findings findings;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (all(made[i].outputs, tensors, [](Likeness is) { return is != Likeness::beyond; })) continue;
    findings.right = false;
    if (all(made[i].inputs, tensors, [](Likeness is) { return is == Likeness::same; })) {
      findings.liars.push_back(i);
    } else if (!findings.suspect &&
               all(made[i].inputs, tensors, [](Likeness is) { return is != Likeness::beyond; })) {
      findings.suspect = i;
    }
  }
  if (!findings.liars.empty()) findings.suspect.reset();
  return findings;
}

}  // namespace hyps::voting
