#include "common/voting/relation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace hyps::voting {

namespace {

using protocol::TensorRef;
using protocol::Vote;

std::vector<TensorRef> by_name(std::vector<TensorRef> outputs) {
  std::sort(outputs.begin(), outputs.end(),
            [](const auto& a, const auto& b) { return a.tensor < b.tensor; });
  return outputs;
}

// Empty: the same tensors of the same sizes.
std::string shape_difference(const std::vector<TensorRef>& a, const std::vector<TensorRef>& b) {
  if (a.size() != b.size()) return fmt::format("{} outputs against {}", a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].tensor != b[i].tensor)
      return fmt::format("'{}' against '{}'", a[i].tensor, b[i].tensor);
    if (a[i].bytes != b[i].bytes) {
      return fmt::format("'{}' has {} bytes against {}", a[i].tensor, a[i].bytes, b[i].bytes);
    }
  }
  return {};
}

Related by_values(const std::vector<TensorRef>& a, const std::vector<TensorRef>& b,
                  const Tolerance& tolerance, const Evidence& evidence) {
  Related result{Relation::agree, {}};
  double largest = -1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].digest == b[i].digest) continue;
    const auto comparison =
        compare(evidence.values.at(a[i].digest), evidence.values.at(b[i].digest), tolerance);
    const std::string text = fmt::format("'{}': {}", a[i].tensor, comparison.text);
    if (!comparison.agree) return {Relation::differ, text};
    if (comparison.largest <= largest) continue;
    largest = comparison.largest;
    result.text = text;
  }
  return result;
}

}  // namespace

bool has_values(const Evidence& evidence, const Vote& vote) {
  return std::all_of(vote.outputs.begin(), vote.outputs.end(), [&](const TensorRef& output) {
    return evidence.values.contains(output.digest);
  });
}

Related relate(const Vote& a, const Vote& b, const Tolerance& tolerance, const Evidence& evidence) {
  for (const Vote* vote : {&a, &b}) {
    if (!evidence.forgers.contains(vote->worker)) continue;
    return {Relation::differ, vote->worker.text + " sent bytes that its digest does not name"};
  }
  const auto left = by_name(a.outputs);
  const auto right = by_name(b.outputs);
  if (left == right) return {Relation::agree, "every bit is the same"};
  if (std::string text = shape_difference(left, right); !text.empty()) {
    return {Relation::differ, std::move(text)};
  }
  const bool same_arithmetic = !a.arithmetic.empty() && a.arithmetic == b.arithmetic;
  const bool known = has_values(evidence, a) && has_values(evidence, b);
  if (same_arithmetic && !known) {
    return {Relation::differ, "other digests of the same arithmetic (" + a.arithmetic + ")"};
  }
  if (!known) return {Relation::unknown, "other digests of other arithmetic"};
  Related related = by_values(left, right, tolerance, evidence);
  if (same_arithmetic) related.relation = Relation::differ;
  return related;
}

}  // namespace hyps::voting
