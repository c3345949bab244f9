#include "services/cli/chaos_load.hpp"

#include <algorithm>
#include <cmath>

#include "common/base/random.hpp"
#include "common/voting/audit.hpp"

namespace hyps::cli {

namespace {

constexpr int kSide = 64;
constexpr double kScoreTolerance = 1e-3;

}  // namespace

std::vector<Blob> noise_pictures(int count) {
  Random random(1);
  std::vector<Blob> pictures;
  for (int i = 0; i < count; ++i) {
    std::string ppm = "P6\n64 64\n255\n";
    for (int byte = 0; byte < kSide * kSide * 3; ++byte) {
      ppm.push_back(static_cast<char>(random.below(256)));
    }
    pictures.push_back(Blob::of(std::move(ppm)));
  }
  return pictures;
}

bool same_answer(const nlohmann::json& a, const nlohmann::json& b) {
  const nlohmann::json none;
  if (a.value("outputs", none) == b.value("outputs", none)) return true;
  if (!a.contains("top") && !b.contains("top")) {
    const Blob made = Blob::of(a.dump());
    return voting::likeness_of_answers(made, Blob::of(b.dump())) == voting::Likeness::near;
  }
  const auto& best_a = a.value("/top/0"_json_pointer, none);
  const auto& best_b = b.value("/top/0"_json_pointer, none);
  if (!best_a.is_object() || !best_b.is_object()) return false;
  return best_a.value("id", -1) == best_b.value("id", -2) &&
         std::abs(best_a.value("score", 0.0) - best_b.value("score", 0.0)) < kScoreTolerance;
}

Question ChaosLoad::next(const std::string& job, double ms) {
  const std::size_t payload = counts_.asked++ % payloads_.size();
  open_[job] = {payload, ms};
  return {job, payloads_[payload]};
}

std::vector<Question> ChaosLoad::open() const {
  std::vector<Question> questions;
  for (const auto& [job, asked] : open_) questions.push_back({job, payloads_[asked.payload]});
  return questions;
}

bool ChaosLoad::take_answer(const std::string& job, const nlohmann::json& answer, double ms) {
  const auto question = open_.find(job);
  if (question == open_.end()) return false;
  const Asked asked = question->second;
  open_.erase(question);
  answers_.push_back({asked.ms, ms});
  ++counts_.answered;
  if (answer.value("state", "") == "done") {
    accepted_.insert(job);
    const auto [known, first] = learned_.emplace(asked.payload, answer);
    if (!first && !same_answer(known->second, answer)) ++counts_.wrong;
  } else {
    ++counts_.failed;
    if (first_error_.empty()) first_error_ = answer.value("error", answer.dump());
  }
  return true;
}

void ChaosLoad::take_accepted(const std::string& job) {
  if (open_.contains(job)) accepted_.insert(job);
}

ChaosLoad::Counts ChaosLoad::counts() const {
  Counts counts = counts_;
  counts.accepted = accepted_.size();
  return counts;
}

double ChaosLoad::longest_pause(double begin_ms, double now_ms) const {
  double longest = 0;
  double last = begin_ms;
  for (const Answered& answer : answers_) {
    if (answer.ms < begin_ms) continue;
    longest = std::max(longest, answer.ms - last);
    last = answer.ms;
  }
  return std::max(longest, now_ms - last);
}

double ChaosLoad::first_answer_after(double ms) const {
  const auto first = std::find_if(answers_.begin(), answers_.end(),
                                  [&](const Answered& answer) { return answer.asked_ms >= ms; });
  return first == answers_.end() ? -1 : first->ms;
}

}  // namespace hyps::cli
