// The MQTT bus: a thread that keeps one link open and moves the lanes through it.
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/bus/lanes.hpp"
#include "common/bus/mqtt_link.hpp"
#include "common/bus/probe.hpp"

namespace hyps::bus {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kProbePeriod = std::chrono::milliseconds(20);
constexpr int kProbeTimeoutMs = 1000;
constexpr std::size_t kPacketOverhead = 1024;  // topic and properties of a message

Milliseconds now() {
  return std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch());
}

class MqttBus : public Bus {
 public:
  explicit MqttBus(MqttOptions options)
      : options_(std::move(options)),
        lanes_(options_.max_queued_messages, options_.max_queued_bytes) {}

  ~MqttBus() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      goodbye_ = false;
    }
    finish();
  }

  Status publish(Message message) override {
    if (message.topic.empty() || message.topic.find_first_of("+#") != std::string::npos) {
      return Error{ErrorKind::invalid, "'" + message.topic + "' is no topic to publish to"};
    }
    const std::lock_guard lock(mutex_);
    if (message.payload.size() + message.topic.size() + kPacketOverhead > max_packet_) {
      return Error{ErrorKind::invalid,
                   fmt::format("a message of {} bytes to {} is above the broker's maximum of {}",
                               message.payload.size(), message.topic, max_packet_)};
    }
    const Status status = lanes_.add_control(std::move(message));
    changed_.notify_one();
    return status;
  }

  Status send(std::string topic, Source source) override {
    const std::lock_guard lock(mutex_);
    if (!link_up_) return Error{ErrorKind::disconnected, "no broker to send " + topic + " to"};
    lanes_.add_bulk(std::move(topic), std::move(source));
    changed_.notify_one();
    return {};
  }

  void subscribe(std::string filter) override { filters_.push_back(std::move(filter)); }

  void start(Handlers handlers) override {
    handlers_ = std::move(handlers);
    thread_ = std::thread([this] { run(); });
  }

  void stop(int ms) override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      drain_until_ = Clock::now() + std::chrono::milliseconds(ms);
    }
    finish();
  }

 private:
  void finish() {
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    std::string last_problem;
    while (!is_stopping()) {
      auto link = connect();
      if (!link) {
        // Said when it changes, not fifty times a second.
        if (link.error().message != last_problem) {
          last_problem = link.error().message;
          if (handlers_.disconnected) handlers_.disconnected("waiting for broker: " + last_problem);
        }
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, kProbePeriod, [&] { return stopping_; });
        continue;
      }
      last_problem.clear();
      serve(**link);
    }
  }

  Result<std::unique_ptr<MqttLink>> connect() {
    HYPS_CHECK(probe(options_.host, options_.port, kProbeTimeoutMs));
    {
      const std::lock_guard lock(mutex_);
      lost_reason_.clear();
    }
    return connect_mqtt(
        options_, filters_,
        {.message = [this](Message m) { handlers_.message(std::move(m)); },
         .ended = [this](std::uint64_t serial, bool accepted) { on_ended(serial, accepted); },
         .lost = [this](std::string reason) { on_lost(std::move(reason)); }});
  }

  // From connected to lost or stopped.
  void serve(MqttLink& link) {
    {
      const std::lock_guard lock(mutex_);
      max_packet_ = link.max_packet_bytes();
      link_up_ = true;
    }
    if (handlers_.connected) handlers_.connected();
    std::unique_lock lock(mutex_);
    while (lost_reason_.empty() && !drained()) {
      auto next = lanes_.next(now());
      if (!next) {
        changed_.wait_for(lock, std::chrono::milliseconds(100));
        continue;
      }
      lock.unlock();
      const Status status = link.publish(next->message, next->serial);
      lock.lock();
      if (!status.ok() && lost_reason_.empty()) lost_reason_ = status.error().message;
    }
    link_up_ = false;
    const std::string reason = lost_reason_;
    lanes_.lost();
    const bool goodbye = stopping_ && goodbye_;
    lock.unlock();
    if (goodbye) link.disconnect();
    if (!reason.empty() && handlers_.disconnected) handlers_.disconnected(reason);
  }

  // REQUIRES: mutex_ is held. True once stopping and nothing is left to wait for.
  bool drained() {
    return stopping_ && (!goodbye_ || lanes_.control_idle() || Clock::now() >= drain_until_);
  }

  bool is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  void on_ended(std::uint64_t serial, bool accepted) {
    const std::lock_guard lock(mutex_);
    lanes_.ended(serial, accepted, now());
    changed_.notify_one();
  }

  void on_lost(std::string reason) {
    const std::lock_guard lock(mutex_);
    lost_reason_ = std::move(reason);
    changed_.notify_one();
  }

  const MqttOptions options_;
  std::vector<std::string> filters_;
  Handlers handlers_;
  std::thread thread_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Lanes lanes_;
  std::size_t max_packet_ = std::size_t{256} << 20U;
  bool link_up_ = false;
  bool stopping_ = false;
  bool goodbye_ = true;
  Clock::time_point drain_until_;
  std::string lost_reason_;
};

}  // namespace

std::unique_ptr<Bus> make_mqtt_bus(MqttOptions options) {
  return std::make_unique<MqttBus>(std::move(options));
}

}  // namespace hyps::bus
