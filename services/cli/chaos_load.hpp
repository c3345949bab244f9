// Jobs that keep coming while harm is done, and a look at every answer: is it the one the cluster
// gave before? A pure core: what is to be asked is taken from it, what arrives is handed in.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "common/base/blob.hpp"

namespace hyps::cli {

struct Question {
  std::string job;
  Blob payload;
};

// Small pictures of noise: any model that takes images takes them.
std::vector<Blob> noise_pictures(int count);

// Equal in every bit, or, among machines of different arithmetic, the same class and nearly its
// score; of a model that does not classify, nearly the same values.
bool same_answer(const nlohmann::json& a, const nlohmann::json& b);

class ChaosLoad {
 public:
  explicit ChaosLoad(std::vector<Blob> payloads) : payloads_(std::move(payloads)) {}

  // Asked from now on, under this name.
  Question next(const std::string& job, double ms);
  [[nodiscard]] std::vector<Question> open() const;  // to be asked again
  // False: it answers nothing of ours that is open.
  bool take_answer(const std::string& job, const nlohmann::json& answer, double ms);
  void take_accepted(const std::string& job);

  struct Counts {
    std::size_t asked = 0;
    std::size_t accepted = 0;
    std::size_t answered = 0;  // failed ones too
    std::size_t failed = 0;
    std::size_t wrong = 0;
  };
  [[nodiscard]] Counts counts() const;
  // Each payload has been answered once; the first answer of each is what later ones are compared
  // with.
  [[nodiscard]] bool has_learned() const { return learned_.size() == payloads_.size(); }
  [[nodiscard]] const std::string& first_error() const { return first_error_; }
  // Between two answers after `begin_ms`; until now if none came since.
  [[nodiscard]] double longest_pause(double begin_ms, double now_ms) const;
  // Of a job that was asked after; negative: there is none.
  [[nodiscard]] double first_answer_after(double ms) const;

 private:
  struct Asked {
    std::size_t payload = 0;
    double ms = 0;
  };
  struct Answered {
    double asked_ms = 0;
    double ms = 0;
  };
  std::vector<Blob> payloads_;
  std::map<std::string, Asked> open_;
  std::set<std::string> accepted_;
  std::map<std::size_t, nlohmann::json> learned_;  // by payload
  std::vector<Answered> answers_;                  // in order
  std::string first_error_;
  Counts counts_;
};

}  // namespace hyps::cli
