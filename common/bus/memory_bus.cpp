// The in-memory bus: what a broker does, without one. Each bus delivers on a thread of its own.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

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
    if (!thread_.joinable()) return;
    if (!will_.topic.empty()) broker_->publish(will_);  // gone without stop()
    stop(0);
  }

  Status publish(Message message) override {
    if (message.topic.find_first_of("+#") != std::string::npos || message.topic.empty()) {
      return Error{ErrorKind::invalid, "'" + message.topic + "' is no topic to publish to"};
    }
    broker_->publish(std::move(message));
    return {};
  }

  Status send(std::string topic, Source source) override {
    while (auto frame = source(kChunk)) {
      broker_->publish({.topic = topic, .payload = std::move(*frame)});
    }
    return {};
  }

  void subscribe(std::string filter) override {
    const std::lock_guard lock(subscriber_->mutex);
    subscriber_->filters.push_back(std::move(filter));
  }

  void start(Handlers handlers) override {
    thread_ = std::thread([this, handlers = std::move(handlers)] {
      if (handlers.connected) handlers.connected();
      broker_->attach(subscriber_);
      while (!stopping_.load()) {
        auto message = subscriber_->queue.pop_until(std::chrono::steady_clock::now() +
                                                    std::chrono::milliseconds(100));
        if (message) handlers.message(std::move(*message));
      }
    });
  }

  void stop(int /*ms*/) override {
    stopping_.store(true);
    broker_->detach(subscriber_);
    subscriber_->queue.close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::shared_ptr<MemoryBroker> broker_;
  std::shared_ptr<MemoryBroker::Subscriber> subscriber_ =
      std::make_shared<MemoryBroker::Subscriber>();
  Message will_;
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
