// The in-memory bus: what a broker does, without one. Each bus delivers on a thread of its own;
// send() drains its source before it returns.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "common/base/bounded_queue.hpp"
#include "common/bus/bus.hpp"

namespace hyps::bus {

namespace {

constexpr std::size_t kQueue = 10'000;
constexpr std::size_t kChunk = 256U << 10U;

}  // namespace

class MemoryBroker {
 public:
  struct Subscriber {
    std::mutex mutex;  // of filters
    std::vector<std::string> filters;
    BoundedQueue<Message> queue{kQueue};

    bool wants(const std::string& topic) {
      const std::lock_guard lock(mutex);
      return std::any_of(filters.begin(), filters.end(),
                         [&](const std::string& filter) { return matches(filter, topic); });
    }
  };

  void attach(const std::shared_ptr<Subscriber>& subscriber) {
    const std::lock_guard lock(mutex_);
    subscribers_.insert(subscriber);
    for (const auto& [topic, message] : retained_) {
      if (subscriber->wants(topic)) subscriber->queue.try_push(message);
    }
  }

  void detach(const std::shared_ptr<Subscriber>& subscriber) {
    const std::lock_guard lock(mutex_);
    subscribers_.erase(subscriber);
  }

  // Like a broker, a subscriber whose queue is full loses the message.
  void publish(Message message) {
    if (const auto settled = std::exchange(message.settled, nullptr)) settled();
    const std::lock_guard lock(mutex_);
    if (message.retained && message.payload.empty()) {
      retained_.erase(message.topic);
    } else if (message.retained) {
      retained_[message.topic] = message;
    }
    message.retained = false;  // live messages do not carry the flag
    for (const auto& subscriber : subscribers_) {
      if (subscriber->wants(message.topic)) subscriber->queue.try_push(message);
    }
  }

 private:
  std::mutex mutex_;
  std::set<std::shared_ptr<Subscriber>> subscribers_;
  std::map<std::string, Message> retained_;
};

namespace {

class MemoryBus : public Bus {
 public:
  MemoryBus(std::shared_ptr<MemoryBroker> broker, Message will)
      : broker_(std::move(broker)), will_(std::move(will)) {}

  ~MemoryBus() override {
    const bool vanishes = thread_.joinable();
    stop(0);
    if (vanishes && !will_.topic.empty()) broker_->publish(will_);
  }

  Status publish(Message message) override {
    if (!is_valid_topic(message.topic)) return not_a_topic(message.topic);
    {
      const std::lock_guard lock(mutex_);
      if (state_ == State::stopped) return Error{ErrorKind::disconnected, "the bus is stopped"};
      if (state_ == State::fresh) {
        if (early_.size() >= kQueue) return Error{ErrorKind::overloaded, "too many before start"};
        early_.push_back(std::move(message));
        return {};
      }
    }
    broker_->publish(std::move(message));
    return {};
  }

  Status send(std::string topic, Source source) override {
    if (!is_valid_topic(topic)) return not_a_topic(topic);
    {
      const std::lock_guard lock(mutex_);
      if (state_ != State::running) return Error{ErrorKind::disconnected, "the bus is not started"};
    }
    const std::lock_guard lock(bulk_mutex_);
    drain(std::move(topic), std::move(source));
    return {};
  }

  void wake() override {
    const std::lock_guard lock(bulk_mutex_);
    for (auto& [topic, source] : std::exchange(asleep_, {})) {
      drain(std::move(topic), std::move(source));
    }
  }

  LinkRates link_rates() const override { return {}; }  // there is no link

  void subscribe(std::string filter) override {
    const std::lock_guard lock(subscriber_->mutex);
    if (is_valid_filter(filter)) subscriber_->filters.push_back(std::move(filter));
  }

  void start(Handlers handlers) override {
    broker_->attach(subscriber_);
    {
      const std::lock_guard lock(mutex_);
      state_ = State::running;
      for (Message& message : early_) broker_->publish(std::move(message));
      early_.clear();
    }
    thread_ = std::thread([this, handlers = std::move(handlers)] {
      if (handlers.connected) handlers.connected();
      while (!stopping_.load()) {
        auto message = subscriber_->queue.pop_until(std::chrono::steady_clock::now() +
                                                    std::chrono::seconds(10));
        if (message) handlers.message(std::move(*message));
      }
    });
  }

  void stop(int /*ms*/) override {
    {
      const std::lock_guard lock(mutex_);
      state_ = State::stopped;
    }
    stopping_.store(true);
    broker_->detach(subscriber_);
    subscriber_->queue.close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  enum class State : std::uint8_t { fresh, running, stopped };
  // To its end, or until it has nothing yet. REQUIRES: bulk_mutex_ is held.
  void drain(std::string topic, Source source) {
    while (auto frame = source(kChunk)) {
      if (frame->empty()) {
        asleep_.emplace_back(std::move(topic), std::move(source));
        return;
      }
      broker_->publish({.topic = topic, .payload = std::move(*frame)});
    }
  }
  static Status not_a_topic(const std::string& topic) {
    return Error{ErrorKind::invalid, "'" + topic + "' is no topic to publish to"};
  }

  std::shared_ptr<MemoryBroker> broker_;
  std::shared_ptr<MemoryBroker::Subscriber> subscriber_ =
      std::make_shared<MemoryBroker::Subscriber>();
  Message will_;
  std::mutex mutex_;  // of the next two
  State state_ = State::fresh;
  std::vector<Message> early_;  // published before start
  std::mutex bulk_mutex_;       // of the next; held while a source is asked
  std::vector<std::pair<std::string, Source>> asleep_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace

std::shared_ptr<MemoryBroker> make_memory_broker() { return std::make_shared<MemoryBroker>(); }

std::unique_ptr<Bus> make_memory_bus(std::shared_ptr<MemoryBroker> broker,
                                     std::string /*client_id*/, std::string will_topic,
                                     std::string will_payload) {
  Message will{.topic = std::move(will_topic),
               .payload = Blob::of(std::move(will_payload)),
               .retained = true};
  return std::make_unique<MemoryBus>(std::move(broker), std::move(will));
}

}  // namespace hyps::bus
