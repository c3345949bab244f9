// Strong identifiers: a JobId is not a WorkerId, and the compiler knows.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace hyps {

template <typename Tag>
struct Id {
  std::string text;

  Id() = default;
  explicit Id(std::string value) : text(std::move(value)) {}
  [[nodiscard]] bool empty() const { return text.empty(); }
  auto operator<=>(const Id&) const = default;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(text);
  }
};

using JobId = Id<struct JobTag>;
using WorkerId = Id<struct WorkerTag>;
using ModelName = Id<struct ModelTag>;
using PlanId = Id<struct PlanTag>;              // "<model>@<8 hex digits of the plan's digest>"
using PartitionName = Id<struct PartitionTag>;  // unique within its plan: "v03", "fc6.h2", "ingest"

// Rises at every change of an assignment; results of older epochs are fenced off.
using Epoch = std::uint64_t;

// Names that become part of a topic or a file name: 1 to 64 of [A-Za-z0-9._-], not starting with
// '.' or '-'.
bool is_valid_name(const std::string& text);

}  // namespace hyps

template <typename Tag>
struct std::hash<hyps::Id<Tag>> {
  std::size_t operator()(const hyps::Id<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.text);
  }
};
