// A user of a cluster, over MQTT as any other: sends inputs, keeps every answer and event it ever
// sees, asks the hub. One thread.
#pragma once

#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/base/bounded_queue.hpp"
#include "common/bus/bus.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/topics.hpp"

namespace hyps::test {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Answer {
  std::string topic;
  std::string correlation;
  std::string text;
  json body;
};

class Client {
 public:
  explicit Client(int port, const std::string& id = "test-client")
      : self_{protocol::Role::client, id} {
    bus::MqttOptions options;
    options.port = port;
    options.client_id = id;
    options.report = [](std::string_view, const auto&) {};  // brokers die here on purpose
    bus_ = bus::make_mqtt_bus(options);
    for (const std::string& filter :
         {protocol::inbox(self_), answer_topic(), std::string("hyps/+/output"),
          std::string("hyps/+/events"), std::string("hyps/+/+/status")}) {
      bus_->subscribe(filter);
    }
    bus_->start({.message =
                     [this](bus::Message m) {
                       incoming_.push({false, std::move(m)});
                     },
                 .connected =
                     [this] {
                       incoming_.push({true, {}});
                     },
                 .disconnected = [](const std::string&) {}});
  }
  ~Client() {
    incoming_.close();
    bus_->stop(0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] std::string answer_topic() const { return "hyps/c/" + self_.id + "/answer"; }

  // Sends an input under a job-id and remembers it until it is answered.
  void ask(const std::string& model, const std::string& job, const Blob& payload) {
    const bus::Message question{.topic = protocol::input_topic(ModelName(model)),
                                .payload = payload,
                                .response_topic = answer_topic(),
                                .correlation = job,
                                .properties = {{"job-id", job}}};
    open_[job] = question;
    publish(question);
  }
  void publish(const bus::Message& message) {
    const Status status = bus_->publish(message);
    EXPECT_TRUE(status.ok()) << status.error().message;
  }
  // What the bus need not take.
  Status try_publish(const bus::Message& message) { return bus_->publish(message); }
  void send(const protocol::Message& message) {
    publish({.topic = protocol::outbox(self_), .payload = protocol::encode(message)});
  }

  // True once everything asked has an answer. Asks again when the broker or hub came back, and
  // when nothing was heard for a while: what was on its way may be lost.
  bool wait_answered(int timeout_ms) {
    return pump([&] { return open_.empty(); }, timeout_ms);
  }
  // Takes in what comes for so long.
  void listen(int ms) {
    pump([] { return false; }, ms);
  }
  bool pump(const std::function<bool()>& until, int timeout_ms) {
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (!until()) {
      if (Clock::now() >= deadline) return false;
      if (auto incoming = incoming_.pop_until(std::min(deadline, ask_again_at_))) {
        handle(std::move(*incoming));
      }
      if (Clock::now() >= ask_again_at_) ask_again();
    }
    return true;
  }

  [[nodiscard]] std::set<std::string> unanswered() const {
    std::set<std::string> jobs;
    for (const auto& [job, question] : open_) jobs.insert(job);
    return jobs;
  }
  // By job; on whichever topic, in order of arrival.
  [[nodiscard]] const std::map<std::string, std::vector<Answer>>& answers() const {
    return answers_;
  }
  // As if it had never been answered: it may be asked again.
  void forget(const std::string& job) { answers_.erase(job); }
  [[nodiscard]] const json& answer_of(const std::string& job) const {
    return answers_.at(job).front().body;
  }
  [[nodiscard]] const std::vector<json>& events() const { return events_; }
  // Those since the last call.
  std::vector<json> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] std::size_t open_jobs() const { return open_.size(); }
  // Services that have said so, and not taken it back, since the last call of take_online.
  [[nodiscard]] const std::set<std::string>& online() const { return online_; }
  std::set<std::string> take_online() { return std::exchange(online_, {}); }

  // What else the hub sent to this client: PartStored, Refused of a file.
  [[nodiscard]] const std::vector<protocol::Message>& messages() const { return messages_; }

  // The hub's reply to a Query; {"refused": why} where it refuses; null when nobody answers.
  json query(const std::string& what, const std::string& name = {}, int timeout_ms = 20'000) {
    return request(protocol::Query{0, what, name}, timeout_ms);
  }
  // Query, Deploy or Remove; likewise.
  template <typename Request>
  json request(Request request, int timeout_ms = 20'000) {
    request.request = ++requests_;
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (Clock::now() < deadline) {
      send(request);
      if (pump([&] { return replies_.contains(requests_); }, 500)) return replies_.at(requests_);
    }
    return {};
  }
  bool wait_query(const std::string& what, const std::string& name,
                  const std::function<bool(const json&)>& wanted, int timeout_ms = 30'000) {
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    while (Clock::now() < deadline) {
      const json reply = query(what, name);
      if (reply.is_object() && !reply.contains("refused") && wanted(reply)) return true;
      listen(50);
    }
    return false;
  }
  bool wait_workers_online(int count, int timeout_ms = 30'000) {
    return wait_query(
        "status", "", [&](const json& s) { return s.value("workers_online", -1) == count; },
        timeout_ms);
  }

 private:
  struct Incoming {
    bool connected = false;  // else: a message
    bus::Message message;
  };

  void handle(Incoming incoming) {
    if (incoming.connected) return ask_again();
    bus::Message& message = incoming.message;
    if (message.topic == protocol::inbox(self_)) return take_reply(message.payload);
    if (const auto status = protocol::parse_status_topic(message.topic)) {
      return take_status(*status, message.payload.text() == protocol::kOnline);
    }
    if (!message.topic.ends_with("/events")) {
      json body = parsed(message.topic, message.payload.text());
      if (!body.is_discarded()) take_answer(std::move(message), std::move(body));
      return;
    }
    std::istringstream events{std::string(message.payload.text())};
    for (std::string event; std::getline(events, event);) {
      json body = parsed(message.topic, event);
      if (!body.is_discarded()) events_.push_back(std::move(body));
    }
  }

  static json parsed(const std::string& topic, std::string_view text) {
    json body = json::parse(text, nullptr, false);
    if (body.is_discarded()) ADD_FAILURE() << "no JSON on " << topic << ": " << text;
    return body;
  }

  void take_status(const protocol::StatusTopic& of, bool is_online) {
    if (!is_online) online_.erase(of.id);
    if (is_online) online_.insert(of.id);
    if (is_online && of.service == "hub") ask_again();
  }

  void take_answer(bus::Message message, json body) {
    const std::string job = body.value("job", "");
    // Somebody else's, or published on the output topic: it answers no question of ours.
    if (message.topic == answer_topic()) open_.erase(message.correlation);
    answers_[job].push_back(
        {message.topic, message.correlation, std::string(message.payload.text()), std::move(body)});
  }

  void take_reply(const Blob& frame) {
    const auto decoded = protocol::decode(frame);
    if (!decoded) {
      ADD_FAILURE() << "the hub sent what is no frame: " << decoded.error().message;
    } else if (const auto* reply = std::get_if<protocol::Reply>(&*decoded)) {
      replies_[reply->request] = json::parse(reply->json, nullptr, false);
    } else if (const auto* refused = std::get_if<protocol::Refused>(&*decoded);
               refused != nullptr && refused->request != 0) {
      replies_[refused->request] = {{"refused", refused->message}, {"kind", refused->kind}};
    } else {
      messages_.push_back(*decoded);
    }
  }

  void ask_again() {
    ask_again_at_ = Clock::now() + std::chrono::seconds(3);
    for (const auto& [job, question] : open_) publish(question);
  }

  protocol::Peer self_;
  BoundedQueue<Incoming> incoming_{100'000};
  Clock::time_point ask_again_at_ = Clock::now() + std::chrono::seconds(3);
  std::map<std::string, bus::Message> open_;  // by job
  std::map<std::string, std::vector<Answer>> answers_;
  std::vector<json> events_;
  std::set<std::string> online_;
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, json> replies_;
  std::vector<protocol::Message> messages_;
  std::unique_ptr<bus::Bus> bus_;
};

}  // namespace hyps::test
