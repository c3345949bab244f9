// hyps infer: images in, answers out.
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <memory>

#include "common/base/file.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/progress.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kMaxImageBytes = 16U << 20U;
constexpr std::size_t kInFlight = 64;

struct Options {
  std::vector<std::string> images;
  std::string model;
  int timeout_s = 60;
  std::size_t batch = 0;  // 0: as many as there is room for
};

struct Question {
  std::string image;  // its position in the list
  std::string job;
  Blob payload;
};

// Asks all questions, keeping kInFlight open, or a batch at a time; asks again after a broken
// connection. The job's name makes that safe: the hub computes each once.
class Interview {
 public:
  Interview(Client& client, std::string model, std::size_t batch)
      : client_(client), model_(std::move(model)), batch_(batch) {}

  Result<std::map<std::string, nlohmann::json>> run(const std::vector<std::string>& images,
                                                    int timeout_s) {
    Progress progress("inferring");
    std::size_t next = 0;
    auto deadline = Clock::now() + std::chrono::seconds(timeout_s);
    int connections = client_.connections();
    while (answers_.size() < images.size() && Clock::now() < deadline) {
      for (std::size_t room = room_now(); room > 0 && next < images.size(); --room, ++next) {
        HYPS_CHECK(ask(images[next], std::to_string(next)));
      }
      const auto answer = client_.next_message(Milliseconds(1000));
      if (answer && take(*answer)) deadline = Clock::now() + std::chrono::seconds(timeout_s);
      if (client_.connections() != connections || (!answer && ++silent_s_ % kRepeatS == 0)) {
        connections = client_.connections();
        for (const auto& [job, question] : open_) HYPS_CHECK(publish(question));
      }
      progress.show(answers_.size(), images.size());
    }
    return answers_;
  }

  // By position in the list: the jobs that are not answered.
  [[nodiscard]] std::map<std::string, std::string> unanswered() const {
    std::map<std::string, std::string> jobs;
    for (const auto& [job, question] : open_) jobs.emplace(question.image, job);
    return jobs;
  }

 private:
  static constexpr int kRepeatS = 5;

  [[nodiscard]] std::size_t room_now() const {
    if (batch_ > 0) return open_.empty() ? batch_ : 0;
    return kInFlight - open_.size();
  }

  Status ask(const std::string& image, const std::string& key) {
    HYPS_TRY(Blob payload, read_file(image, kMaxImageBytes));
    Question question{key, random_name(), std::move(payload)};
    HYPS_CHECK(publish(question));
    open_.emplace(question.job, question);
    return {};
  }

  Status publish(const Question& question) {
    return client_.publish({.topic = protocol::input_topic(ModelName(model_)),
                            .payload = question.payload,
                            .response_topic = client_.answer_topic(),
                            .correlation = question.job,
                            .properties = {{"job-id", question.job}}});
  }

  bool take(const bus::Message& message) {
    auto json = nlohmann::json::parse(message.payload.text(), nullptr, false);
    const auto question = open_.find(message.correlation);
    if (json.is_discarded() || question == open_.end()) return false;
    answers_.emplace(question->second.image, std::move(json));
    open_.erase(question);
    return true;
  }

  Client& client_;
  std::string model_;
  const std::size_t batch_;
  std::map<std::string, Question> open_;           // by job
  std::map<std::string, nlohmann::json> answers_;  // by position in the list
  int silent_s_ = 0;
};

// In two words: the best class and its score; how many outputs there are, if they are no classes.
std::pair<std::string, std::string> gist_of(const nlohmann::json& answer) {
  const auto top = answer.value("top", nlohmann::json::array());
  if (top.empty()) {
    const auto outputs = answer.value("outputs", nlohmann::json::array());
    return {outputs.size() == 1 ? "1 output" : fmt::format("{} outputs", outputs.size()), ""};
  }
  const std::string label = top[0].value("label", "");
  const auto& score = top[0].at("score");
  return {label.empty() ? fmt::format("class {}", top[0].value("id", -1)) : label,
          score.is_number() ? fmt::format("{:.4f}", score.get<double>()) : "nan"};
}

std::vector<std::string> row_of(const std::string& image, const nlohmann::json& answer) {
  if (answer.value("state", "") != "done") {
    return {image, answer.value("state", "?"), "",
            "",    answer.value("job", ""),    answer.value("error", "")};
  }
  const auto [said, score] = gist_of(answer);
  return {image,
          said,
          score,
          fmt::format("{:.1f}", answer.value("latency_ms", 0.0)),
          answer.value("job", ""),
          answer.value("recoveries", 0) > 0
              ? fmt::format("{} recoveries", answer.value("recoveries", 0))
              : ""};
}

// Why nothing is computed, if the hub knows it.
std::string problem_of(Client& client, const std::string& model) {
  const auto reply = client.query("model", model, Milliseconds(2000));
  const std::string problem = reply.ok() ? reply->value("problem", "") : "";
  return problem.empty() ? "" : "; " + model + ": " + problem;
}

// In an answer's place.
nlohmann::json no_answer(const std::string& job, int timeout_s, const std::string& problem) {
  nlohmann::json answer{{"state", "unanswered"},
                        {"error", fmt::format("no answer for {} s{}", timeout_s, problem)}};
  if (!job.empty()) answer["job"] = job;  // else it was not even asked
  return answer;
}

Result<int> run(const Cli& cli, const Options& options) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const std::string model, choose_model(*client, options.model));
  Interview interview(*client, model, options.batch);
  HYPS_TRY(const auto answers, interview.run(options.images, options.timeout_s));
  auto unanswered = interview.unanswered();
  const std::string problem =
      answers.size() < options.images.size() ? problem_of(*client, model) : "";
  Table table({"IMAGE", "ANSWER", "SCORE", "MS", "JOB", ""});
  nlohmann::json all = nlohmann::json::array();
  int code = kOk;
  for (std::size_t i = 0; i < options.images.size(); ++i) {
    const std::string key = std::to_string(i);
    const auto found = answers.find(key);
    const nlohmann::json answer = found != answers.end()
                                      ? found->second
                                      : no_answer(unanswered[key], options.timeout_s, problem);
    if (found == answers.end()) code = kDisconnected;
    if (code == kOk && answer.value("state", "") != "done") code = kBadResult;
    table.add(row_of(options.images[i], answer));
    all.push_back(answer);
    all.back()["image"] = options.images[i];
  }
  fmt::print("{}", cli.json() ? all.dump(2) + "\n" : table.text());
  return code;
}

}  // namespace

void add_infer(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("infer", "Send images to the cluster and print the answers", true);
  verb->add_option("images", options->images, "JPEG, PNG, PPM, TensorProto, .npy or .npz files")
      ->required()
      ->check(existing_path());
  verb->add_option("--model", options->model, "Which model [the only one]");
  verb->add_option("--batch", options->batch,
                   "So many at a time: sent together, and the next ones when these are answered; "
                   "workers compute in one go what they find waiting, where that pays")
      ->check(CLI::Range(std::size_t{1}, kInFlight));
  verb->add_option("--timeout", options->timeout_s, "Seconds without any answer until giving up")
      ->capture_default_str();
  verb->callback([&cli, options] { cli.action = [&cli, options] { return run(cli, *options); }; });
}

}  // namespace hyps::cli
