#include "services/cli/chaos_timeline.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hyps::cli {

namespace {

constexpr std::size_t kMaxLines = 1000;

}  // namespace

void ChaosTimeline::note(double ms, std::string text) {
  if (lines_.size() >= kMaxLines) {
    ++left_out_;
  } else {
    lines_.push_back({ms, std::move(text)});
  }
}

void ChaosTimeline::take_event(double ms, const nlohmann::json& event) {
  const std::string what = event.value("event", "");
  if (what == "recovered") return take_recovered(ms, event);
  if (what == "stored") return take_stored(ms, event);
  if (what == "resumed") {
    ++resumed_;
    note(ms,
         fmt::format("resumed    job {}: {}", event.value("job", ""), event.value("detail", "")));
  }
  if (what == "failed") {
    note(ms,
         fmt::format("failed     job {}: {}", event.value("job", ""), event.value("detail", "")));
  }
}

void ChaosTimeline::take_recovered(double ms, const nlohmann::json& event) {
  ++recovered_;
  taken_back_.emplace(Place(event.value("job", ""), event.value("partition", "")), ms);
  note(ms,
       fmt::format("recovered  {} of job {} from {}: {}", event.value("partition", ""),
                   event.value("job", ""), event.value("worker", ""), event.value("detail", "")));
}

void ChaosTimeline::take_stored(double ms, const nlohmann::json& event) {
  const auto place = taken_back_.find(Place(event.value("job", ""), event.value("partition", "")));
  if (place == taken_back_.end()) return;
  const double took_ms = ms - place->second;
  taken_back_.erase(place);
  longest_recovery_ms_ = std::max(longest_recovery_ms_, took_ms);
  note(ms, fmt::format("stored     {} of job {}, computed by {}, {:.1f} ms after it was taken back",
                       event.value("partition", ""), event.value("job", ""),
                       event.value("worker", ""), took_ms));
}

// The first word about a node tells nothing but how it was.
void ChaosTimeline::take_status(double ms, const std::string& node, bool online) {
  const auto [known, first] = online_.emplace(node, online);
  if (first || known->second == online) return;
  known->second = online;
  note(ms, node + (online ? " is online" : " is offline"));
}

}  // namespace hyps::cli
