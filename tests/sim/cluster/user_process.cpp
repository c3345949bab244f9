#include "user_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/protocol/codec.hpp"
#include "common/protocol/topics.hpp"
#include "model.hpp"

namespace hyps::sim {

using nlohmann::json;
using protocol::Peer;
using protocol::Role;

namespace {

constexpr Milliseconds kTick{200};
constexpr const char* kAnswers = "users/user/answers";
constexpr const char* kWrong = "wrong";
constexpr int kLastJobs = 2;  // while all is well
const Peer kSelf{Role::client, "user"};

}  // namespace

UserProcess::UserProcess(World& world, Network& network, int jobs, Milliseconds period)
    : Process(world, network, "user", kTick) {
  make_jobs(jobs, Milliseconds(0), period);
}

void UserProcess::make_jobs(int count, Milliseconds from, Milliseconds to) {
  for (int i = 0; i < count; ++i) {
    Job job;
    job.id = fmt::format("job{}", next_job_++);
    job.image = fmt::format("image {}", world_.random.below(4));
    job.quiet = world_.random.below(3) == 0;
    if (world_.random.below(3) == 0) job.response_topic = kAnswers;
    job.correlation = "of " + job.id;
    job.due = world_.random_ms(from.count(), to.count());
    jobs_.push_back(std::move(job));
  }
}

void UserProcess::on_start() {
  for (const auto& file : model_files()) upload_.add(file.data);
  ClientBus::Handlers handlers;
  handlers.message = [this](const bus::Message& message) { take_message(message); };
  handlers.connected = [this] { say([] { return "is connected"; }); };
  handlers.disconnected = [this] { say([] { return "has lost its connection"; }); };
  const ModelName model(kModel);
  bus_ = make_bus({protocol::inbox(kSelf), protocol::output_topic(model),
                   protocol::events_topic(model), kAnswers},
                  {}, std::move(handlers));
  bus_->start();
}

void UserProcess::on_crash() {
  bus_->stop();
  bury(std::exchange(bus_, nullptr));
}

// ---- deploying ----------------------------------------------------------------------------------

void UserProcess::redeploy(std::size_t plan) {
  wanted_plan_json_ = partition::to_json(plans()[plan]);
  deployed_ = false;
  ++request_;
  say([&] { return fmt::format("wants plan {}", plans()[plan].id().text); });
}

void UserProcess::deploy() {
  protocol::Deploy order{request_, ModelName(kModel), {}, wanted_plan_json_};
  for (const auto& file : model_files()) order.files.push_back(file.ref);
  (void)bus_->publish({protocol::outbox(kSelf), protocol::encode(order), false, {}, {}, {}});
}

void UserProcess::proceed_with_deploying() {
  if (deployed_) return;
  for (const auto& message : upload_.on_tick(now().steady)) {
    (void)bus_->publish({protocol::outbox(kSelf), protocol::encode(message), false, {}, {}, {}});
  }
  if (!upload_.idle() || world_.clock.now() < deploy_due_) return;
  deploy_due_ = world_.clock.now() + Milliseconds(2500);
  deploy();
}

void UserProcess::take_reply(const Blob& frame) {
  const auto message = protocol::decode(frame);
  if (!message.ok()) return;
  if (const auto* stored = std::get_if<protocol::PartStored>(&*message)) upload_.on_stored(*stored);
  if (const auto* reply = std::get_if<protocol::Reply>(&*message)) {
    if (reply->request == request_) deployed_ = true;
  }
  const auto* refused = std::get_if<protocol::Refused>(&*message);
  // The hub has dropped the files of a model that it did not get to know: all over again.
  if (refused != nullptr && refused->request == request_) {
    for (const auto& file : model_files()) upload_.add(file.data);
  }
}

// ---- jobs ---------------------------------------------------------------------------------------

void UserProcess::publish_input(const std::string& image, const std::string& job_id,
                                const std::string& topic, const std::string& correlation) {
  bus::Message input;
  input.topic = protocol::input_topic(ModelName(kModel));
  input.payload = Blob::copy_of(image);
  input.response_topic = topic;
  input.correlation = correlation;
  if (!job_id.empty()) input.properties = {{"job-id", job_id}};
  (void)bus_->publish(std::move(input));
}

void UserProcess::ask(Job& job) {
  say([&] { return "asks for " + job.id; });
  publish_input(job.image, job.id, job.response_topic, job.correlation);
  if (job.state == State::fresh) job.state = State::sent;
  const bool patient = job.state == State::accepted;
  job.due = world_.clock.now() +
            (patient ? world_.random_ms(8000, 15'000) : world_.random_ms(2000, 5000));
  if (world_.random.below(10) == 0) job.due = world_.clock.now() + Milliseconds(50);
}

void UserProcess::ask_anonymously() {
  say([] { return "sends an image without a job-id"; });
  publish_input(fmt::format("image {}", world_.random.below(4)), {}, {}, "nobody");
}

void UserProcess::ask_wrongly(const Job& job) {
  say([&] { return "uses the id of " + job.id + " for another image"; });
  publish_input("another image", job.id, kAnswers, kWrong);
}

void UserProcess::on_tick() {
  proceed_with_deploying();
  for (Job& job : jobs_) {
    if (job.due > world_.clock.now() || job.state == State::answered) continue;
    if (job.state == State::accepted && job.quiet) continue;
    ask(job);
    if (job.state == State::accepted && world_.random.below(4) == 0) ask_wrongly(job);
    if (job.state == State::sent && world_.random.below(20) == 0) ask_anonymously();
  }
}

void UserProcess::end_jobs() {
  std::erase_if(jobs_, [](const Job& job) { return job.state == State::fresh; });
  for (Job& job : jobs_) job.due = std::min(job.due, world_.clock.now() + Milliseconds(5000));
  make_jobs(kLastJobs, world_.clock.now(), world_.clock.now() + Milliseconds(2000));
}

UserProcess::Job* UserProcess::find(const std::string& id) {
  const auto found =
      std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& job) { return job.id == id; });
  return found == jobs_.end() ? nullptr : &*found;
}

void UserProcess::take_message(const bus::Message& message) {
  if (message.topic == protocol::inbox(kSelf)) return take_reply(message.payload);
  if (message.topic != protocol::events_topic(ModelName(kModel))) return take_answer(message);
  std::istringstream events{std::string(message.payload.text())};
  for (std::string event; std::getline(events, event);) take_event(event);
}

void UserProcess::take_event(const std::string& text) {
  if (text.find("\"event\":\"accepted\"") == std::string::npos) return;
  Job* job = find(json::parse(text)["job"]);
  if (job == nullptr || job->state != State::sent) return;
  job->state = State::accepted;
  job->due = world_.clock.now() + world_.random_ms(8000, 15'000);
}

void UserProcess::take_answer(const bus::Message& message) {
  const json answer = json::parse(message.payload.text());
  say([&] { return "reads on " + message.topic + ": " + answer.dump(); });
  const std::string state = answer["state"];
  if (message.correlation == kWrong) {
    if (state == "done") world_.violate("another image was answered under a known job-id");
    return;
  }
  Job* job = find(answer["job"]);
  if (job == nullptr) return;
  if (state == "refused") {
    job->due = std::min(job->due, world_.clock.now() + Milliseconds(1000));
    return;
  }
  job->state = State::answered;
  if (state == "done" && answer["top"] != top_of(job->image)) {
    world_.violate("the user reads a wrong answer of " + job->id);
  }
}

std::string UserProcess::missing() const {
  if (!deployed_) return "the model is not deployed";
  for (const Job& job : jobs_) {
    const bool served = job.state == State::answered || (job.state == State::accepted && job.quiet);
    if (!served) return "the user has no answer of " + job.id;
  }
  return {};
}

}  // namespace hyps::sim
