// Harm done to a cluster under load, and what comes of it. One thread; the harm ends with the
// object, whatever happens.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/cli/chaos_load.hpp"
#include "services/cli/chaos_timeline.hpp"
#include "services/cli/client.hpp"
#include "services/cli/nodes.hpp"

namespace hyps::cli {

struct Fault {
  std::string what;  // "kill", "pause" or "slow"
  std::string node;
  int percent = 0;  // of slow
};

class Experiment {
 public:
  struct Options {
    std::string model;  // empty: the only one
    std::vector<std::string> images;
    int jobs_open = 4;
    bool no_jobs = false;  // only what others ask is looked at
  };

  static Result<std::unique_ptr<Experiment>> make(const Cli& cli, std::unique_ptr<Nodes> nodes,
                                                  const Options& options);
  ~Experiment();
  Experiment(const Experiment&) = delete;
  Experiment& operator=(const Experiment&) = delete;

  // Undisturbed: what answers are right, how fast they come.
  Status learn(Milliseconds time);
  Status begin(const Fault& fault);
  // Whatever was paused or slowed goes on; `revive`: who was killed is started again too.
  Status end(bool revive);
  void work_for(Milliseconds time);
  // No new jobs until all are answered, or the time is up.
  void finish(Milliseconds patience);

  [[nodiscard]] const ChaosTimeline& timeline() const { return timeline_; }
  [[nodiscard]] Nodes& nodes() { return *nodes_; }
  struct Summary {
    ChaosLoad::Counts jobs;
    std::string first_error;
    double pause_before_ms = 0;   // longest between two answers, undisturbed
    double pause_ms = 0;          // and since
    double first_answer_ms = -1;  // to a job that was asked after the first fault
    std::vector<std::string> moved;
  };
  Summary summary();

 private:
  Experiment(std::unique_ptr<Client> client, std::unique_ptr<Nodes> nodes, const Options& options)
      : client_(std::move(client)), nodes_(std::move(nodes)), options_(options) {}

  Status load_payloads();
  [[nodiscard]] double now_ms() const;
  void ask();
  void publish(const Question& question);
  void ask_again_if_due();
  void take(const bus::Message& message);
  void pump(double until_ms);
  std::map<std::string, std::string> placement();

  std::unique_ptr<Client> client_;
  std::unique_ptr<Nodes> nodes_;
  Options options_;
  const std::string run_ = "chaos-" + random_name().substr(0, 6);  // its jobs begin so
  std::optional<ChaosLoad> load_;
  ChaosTimeline timeline_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  bool asking_ = true;
  int connections_ = 0;
  double ask_again_ms_ = 0;
  double learned_from_ms_ = 0;
  std::optional<double> harm_ms_;  // the first fault's time
  double worked_until_ms_ = 0;     // while jobs came
  double pause_before_ms_ = 0;
  std::optional<Fault> fault_;  // that has not ended
  std::map<std::string, std::string> placed_;
};

}  // namespace hyps::cli
