#include "services/cli/chaos_experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "common/base/file.hpp"
#include "common/runtime/event_loop.hpp"

namespace hyps::cli {

namespace {

constexpr std::size_t kMaxImageBytes = 16U << 20U;
constexpr int kPictures = 3;
constexpr double kLearnPatienceMs = 60'000;
constexpr double kRepeatMs = 3000;
constexpr Milliseconds kSlice{50};

}  // namespace

Result<std::unique_ptr<Experiment>> Experiment::make(const Cli& cli, std::unique_ptr<Nodes> nodes,
                                                     const Options& options) {
  HYPS_TRY(auto client,
           Client::connect(cli, Milliseconds(5000), {"hyps/+/events", protocol::kAllStatus}));
  std::unique_ptr<Experiment> experiment(
      new Experiment(std::move(client), std::move(nodes), options));
  if (options.no_jobs) {
    experiment->asking_ = false;
    experiment->load_.emplace(std::vector<Blob>());
    return experiment;
  }
  HYPS_TRY(experiment->options_.model, choose_model(*experiment->client_, options.model));
  HYPS_CHECK(experiment->load_payloads());
  return experiment;
}

Experiment::~Experiment() { (void)end(false); }

Status Experiment::load_payloads() {
  std::vector<Blob> payloads;
  for (const std::string& image : options_.images) {
    HYPS_TRY(payloads.emplace_back(), read_file(image, kMaxImageBytes));
  }
  load_.emplace(payloads.empty() ? noise_pictures(kPictures) : std::move(payloads));
  return {};
}

Status Experiment::learn(Milliseconds time) {
  if (asking_) {
    const double patience_ms = now_ms() + kLearnPatienceMs;
    while (!load_->has_learned() && load_->first_error().empty() && now_ms() < patience_ms &&
           !runtime::stop_requested().load()) {
      pump(now_ms() + static_cast<double>(kSlice.count()));
    }
    if (!load_->first_error().empty()) {
      return Error{ErrorKind::invalid, "the model does not take these images, undisturbed: " +
                                           load_->first_error() + "; give it some with --image"};
    }
    if (!load_->has_learned()) {
      return Error{ErrorKind::disconnected,
                   fmt::format("the cluster gives no answers, undisturbed, within {:.0f} s; see "
                               "`hyps get models`",
                               kLearnPatienceMs / 1000)};
    }
  }
  learned_from_ms_ = now_ms();
  work_for(time);
  pause_before_ms_ = load_->longest_pause(learned_from_ms_, now_ms());
  placed_ = placement();
  return {};
}

Status Experiment::begin(const Fault& fault) {
  if (!harm_ms_) harm_ms_ = now_ms();
  const double at_ms = now_ms();
  if (fault.what == "kill") {
    HYPS_CHECK(nodes_->kill(fault.node));
    timeline_.note(at_ms, fault.node + " killed");
  } else if (fault.what == "pause") {
    HYPS_CHECK(nodes_->pause(fault.node));
    timeline_.note(at_ms, fault.node + " paused");
  } else {
    HYPS_CHECK(nodes_->slow(fault.node, fault.percent));
    timeline_.note(at_ms, fmt::format("{} slowed to {} %", fault.node, fault.percent));
  }
  fault_ = fault;
  return {};
}

Status Experiment::end(bool revive) {
  if (!fault_) return {};
  const Fault fault = *std::exchange(fault_, std::nullopt);
  const double at_ms = now_ms();
  if (fault.what == "pause") {
    HYPS_CHECK(nodes_->resume(fault.node));
    timeline_.note(at_ms, fault.node + " resumed");
  } else if (fault.what == "slow") {
    HYPS_CHECK(nodes_->unslow(fault.node));
    timeline_.note(at_ms, fault.node + " has its processor back");
  } else if (revive && is_worker(fault.node)) {
    HYPS_CHECK(nodes_->heal());
    timeline_.note(at_ms, fault.node + " started again");
  }
  return {};
}

void Experiment::work_for(Milliseconds time) {
  pump(now_ms() + static_cast<double>(time.count()));
  worked_until_ms_ = now_ms();
}

void Experiment::finish(Milliseconds patience) {
  asking_ = false;
  const double until_ms = now_ms() + static_cast<double>(patience.count());
  while (!load_->open().empty() && now_ms() < until_ms && !runtime::stop_requested().load()) {
    pump(now_ms() + static_cast<double>(kSlice.count()));
  }
}

Experiment::Summary Experiment::summary() {
  Summary summary;
  summary.jobs = load_->counts();
  summary.first_error = load_->first_error();
  summary.pause_before_ms = pause_before_ms_;
  const double harm_ms = harm_ms_.value_or(now_ms());
  summary.pause_ms = load_->longest_pause(harm_ms, worked_until_ms_);
  const double first_ms = load_->first_answer_after(harm_ms);
  if (first_ms >= 0) summary.first_answer_ms = first_ms - harm_ms;
  for (const auto& [partition, workers] : placement()) {
    const auto before = placed_.find(partition);
    if (before == placed_.end() || before->second == workers) continue;
    summary.moved.push_back(fmt::format("{} {} -> {}", partition, before->second, workers));
  }
  return summary;
}

double Experiment::now_ms() const {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
      .count();
}

// Refused while the broker is away: asked again when it is back.
void Experiment::publish(const Question& question) {
  (void)client_->publish({.topic = protocol::input_topic(ModelName(options_.model)),
                          .payload = question.payload,
                          .response_topic = client_->answer_topic(),
                          .correlation = question.job,
                          .properties = {{"job-id", question.job}}});
}

void Experiment::ask() {
  while (asking_ && load_->open().size() < static_cast<std::size_t>(options_.jobs_open)) {
    publish(load_->next(fmt::format("{}-{}", run_, load_->counts().asked), now_ms()));
  }
}

void Experiment::ask_again_if_due() {
  if (client_->connections() == connections_ && now_ms() < ask_again_ms_) return;
  connections_ = client_->connections();
  ask_again_ms_ = now_ms() + kRepeatMs;
  for (const Question& question : load_->open()) publish(question);
}

void Experiment::take(const bus::Message& message) {
  if (const auto status = protocol::parse_status_topic(message.topic)) {
    return timeline_.take_status(now_ms(), status->id, message.payload.text() == protocol::kOnline);
  }
  std::istringstream lines{std::string(message.payload.text())};
  if (message.topic == client_->answer_topic()) {
    const auto answer = nlohmann::json::parse(lines, nullptr, false);
    if (answer.is_object()) load_->take_answer(message.correlation, answer, now_ms());
    return;
  }
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    if (event.value("event", "") == "accepted") load_->take_accepted(event.value("job", ""));
    timeline_.take_event(now_ms(), event);
  }
}

void Experiment::pump(double until_ms) {
  while (now_ms() < until_ms && !runtime::stop_requested().load()) {
    ask();
    ask_again_if_due();
    const auto rest = Milliseconds(static_cast<int>(until_ms - now_ms()) + 1);
    if (const auto message = client_->next_message(std::min(rest, kSlice))) take(*message);
  }
}

// Partition → its workers.
std::map<std::string, std::string> Experiment::placement() {
  std::map<std::string, std::string> placed;
  const auto reply = client_->query("partitions");
  if (!reply) return placed;
  for (const auto& row : reply->value("partitions", nlohmann::json::array())) {
    std::string& workers = placed[row.value("model", "") + "/" + row.value("partition", "")];
    workers += (workers.empty() ? "" : ",") + row.value("worker", "");
  }
  return placed;
}

}  // namespace hyps::cli
