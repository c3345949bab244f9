// What happened in a cluster while harm was done to it, from the hub's events and the services'
// statuses. Pure: times are handed in.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace hyps::cli {

class ChaosTimeline {
 public:
  void note(double ms, std::string text);  // what we did ourselves
  void take_event(double ms, const nlohmann::json& event);
  void take_status(double ms, const std::string& node, bool online);

  struct Line {
    double ms = 0;
    std::string text;
  };
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

  [[nodiscard]] std::size_t recovered() const { return recovered_; }
  [[nodiscard]] std::size_t resumed() const { return resumed_; }
  // From a partition being taken back to its result being there after all; the longest.
  [[nodiscard]] double longest_recovery_ms() const { return longest_recovery_ms_; }

 private:
  using Place = std::pair<std::string, std::string>;  // job, partition

  void take_recovered(double ms, const nlohmann::json& event);
  void take_stored(double ms, const nlohmann::json& event);

  std::vector<Line> lines_;
  std::size_t left_out_ = 0;
  std::map<Place, double> taken_back_;  // since when
  std::map<std::string, bool> online_;
  std::size_t recovered_ = 0;
  std::size_t resumed_ = 0;
  double longest_recovery_ms_ = 0;
};

}  // namespace hyps::cli
