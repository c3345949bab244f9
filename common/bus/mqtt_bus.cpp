// The MQTT bus: a thread that keeps one link open and moves the lanes through it.
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/bus/lanes.hpp"
#include "common/bus/link_rate.hpp"
#include "common/bus/mqtt_link.hpp"
#include "common/bus/probe.hpp"
#include "common/bus/reporter.hpp"

namespace hyps::bus {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProbePeriod{20};
// A broker that listens but does not want us (password, access) is not asked fifty times a second,
// nor one that ends one connection after another (a second client of our name).
constexpr std::chrono::milliseconds kRefusedPause{500};
constexpr std::chrono::milliseconds kShortLife{1000};
constexpr int kMaxShortLives = 5;
constexpr std::chrono::milliseconds kIdleWait{100};
constexpr std::chrono::milliseconds kSocketWait{1};
constexpr int kProbeTimeoutMs = 1000;
// A message of so many bytes tells that many are on their way here.
constexpr std::size_t kTellingBytes = 16U << 10U;

Milliseconds now() {
  return std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch());
}

class MqttBus : public Bus {
 public:
  explicit MqttBus(MqttOptions options)
      : options_(std::move(options)),
        reporter_(options_.report, fmt::format("{}:{}", options_.host, options_.port)),
        lanes_(options_.max_queued_messages, options_.max_queued_bytes) {}

  ~MqttBus() override { finish(Clock::now(), true); }

  Status publish(Message message) override {
    if (!is_valid_topic(message.topic)) return not_a_topic(message.topic);
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error{ErrorKind::disconnected, "the connection is closed"};
    Status status = lanes_.add_control(std::move(message));
    changed_.notify_one();
    return status;
  }

  Status send(std::string topic, Source source) override {
    if (!is_valid_topic(topic)) return not_a_topic(topic);
    const std::lock_guard lock(mutex_);
    if (!link_up_) return Error{ErrorKind::disconnected, "no broker to send " + topic + " to"};
    Status status = lanes_.add_bulk(std::move(topic), std::move(source));
    changed_.notify_one();
    return status;
  }

  void wake() override {
    const std::lock_guard lock(mutex_);
    lanes_.wake();
    changed_.notify_one();
  }

  LinkRates link_rates() const override {
    const std::lock_guard lock(mutex_);
    return {sending_.bytes_per_second(), arriving_.bytes_per_second()};
  }

  void subscribe(std::string filter) override {
    if (is_valid_filter(filter)) {
      filters_.push_back(std::move(filter));
    } else {
      reporter_.bad_filter(filter);
    }
  }

  void start(Handlers handlers) override {
    handlers_ = std::move(handlers);
    thread_ = std::thread([this] { run(); });
  }

  void stop(int ms) override { finish(Clock::now() + std::chrono::milliseconds(ms), false); }

 private:
  static Status not_a_topic(const std::string& topic) {
    return Error{ErrorKind::invalid, "'" + topic + "' is no topic to publish to"};
  }

  void finish(Clock::time_point drain_until, bool with_will) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      with_will_ = with_will;
      drain_until_ = drain_until;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

  void run() {
    int short_lives = 0;
    while (!is_over()) {
      if (const Status there = probe(options_.host, options_.port, kProbeTimeoutMs); !there.ok()) {
        reporter_.waiting(there.error().message, now());
        pause(kProbePeriod);
        continue;
      }
      auto link = connect();
      if (!link.ok()) {
        reporter_.waiting(link.error().message, now());
        pause(kRefusedPause);
        continue;
      }
      const auto since = Clock::now();
      serve(**link);
      link->reset();
      short_lives = Clock::now() - since < kShortLife ? short_lives + 1 : 0;
      if (short_lives > kMaxShortLives) pause(kRefusedPause);
    }
  }

  Result<std::unique_ptr<MqttLink>> connect() {
    {
      const std::lock_guard lock(mutex_);
      lost_reason_.clear();
    }
    return connect_mqtt(
        options_, filters_,
        {.message = [this](Message message) { on_message(std::move(message)); },
         .ended = [this](std::uint64_t serial, bool accepted) { on_ended(serial, accepted); },
         .lost = [this](std::string reason) { on_lost(std::move(reason)); },
         .given_up = [this] { return is_over(); }});
  }

  // From connected to lost or stopped.
  void serve(MqttLink& link) {
    std::vector<Message> too_large;
    {
      const std::lock_guard lock(mutex_);
      too_large = lanes_.limit_packets(link.max_packet_bytes());
      link_up_ = true;
      sending_.begin();
      arriving_.begin();
    }
    drop(too_large, "it is above the broker's maximum packet");
    reporter_.connected();
    if (handlers_.connected) handlers_.connected();
    std::unique_lock lock(mutex_);
    while (lost_reason_.empty() && !is_over_locked()) {
      measure(link);
      if (send_next(link, lock)) continue;
      changed_.wait_for(lock, lanes_.waits_for_socket() ? kSocketWait : kIdleWait);
    }
    link_up_ = false;
    const std::string reason = lost_reason_;
    const bool with_will = with_will_;
    const std::vector<Message> given_up = lanes_.lost();
    lock.unlock();
    drop(given_up, "the connection broke at each of many attempts");
    if (reason.empty()) link.disconnect(with_will ? will() : std::nullopt);
    if (!reason.empty()) reporter_.lost(reason);
    if (!reason.empty() && handlers_.disconnected) handlers_.disconnected(reason);
  }

  // At every wake, so that what went through between two of them is known by the kernel's count,
  // whatever kept this process from running. REQUIRES: the lock is held.
  void measure(const MqttLink& link) {
    const auto time = Clock::now().time_since_epoch();
    if (time - measured_ < LinkRate::kLeastTime) return;
    measured_ = time;
    const Through through = link.through();
    sending_.saw(through.sent, time);
    arriving_.saw(through.received, time);
  }

  void on_message(Message message) {
    if (message.payload.size() >= kTellingBytes) changed_.notify_one();  // to measure
    handlers_.message(std::move(message));
  }

  void drop(const std::vector<Message>& messages, const char* why) {
    for (const Message& message : messages) {
      {
        const std::lock_guard lock(mutex_);
        reporter_.dropped(message.topic, why, now());
      }
      if (message.settled) message.settled();
    }
  }

  std::optional<Message> will() const {
    if (options_.will_topic.empty()) return std::nullopt;
    return Message{.topic = options_.will_topic,
                   .payload = Blob::copy_of(std::string_view(options_.will_payload)),
                   .retained = true};
  }

  // False if there is nothing to send, or no room. REQUIRES: the lock is held; it is let go while a
  // source or Paho works, so that neither a publisher nor a callback waits for them.
  bool send_next(MqttLink& link, std::unique_lock<std::mutex>& lock) {
    const Room room = link.room();
    auto next = lanes_.next_control(now(), room);
    if (!next) {
      auto bulk = lanes_.take_bulk(room);
      if (!bulk) return false;
      lock.unlock();
      auto frame = bulk->source(bulk->bytes);
      lock.lock();
      if (!frame) return true;  // this one is through
      if (frame->empty()) {
        lanes_.put_aside(std::move(*bulk));
        return true;
      }
      const std::string topic = bulk->topic;
      auto chunk = lanes_.add_chunk(std::move(*bulk), std::move(*frame), now());
      if (!chunk.ok()) {
        reporter_.dropped(topic, chunk.error().message, now());
        return true;
      }
      next = std::move(*chunk);
    }
    lock.unlock();
    const Status status = link.publish(next->message, next->serial);
    lock.lock();
    if (!status.ok() && lost_reason_.empty()) lost_reason_ = status.error().message;
    return true;
  }

  bool is_over() {
    const std::lock_guard lock(mutex_);
    return is_over_locked();
  }
  // Stopping, and nothing is left to wait for.
  bool is_over_locked() const {
    return stopping_ && (lanes_.control_idle() || Clock::now() >= drain_until_);
  }
  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [&] { return is_over_locked(); });
  }

  void on_ended(std::uint64_t serial, bool accepted) {
    std::optional<Lanes::Ended> ended;
    {
      const std::lock_guard lock(mutex_);
      ended = lanes_.ended(serial, now());
      if (ended && !accepted) reporter_.dropped(ended->topic, "the broker refuses it", now());
      changed_.notify_one();
    }
    if (ended && ended->settled) ended->settled();
  }

  void on_lost(std::string reason) {
    const std::lock_guard lock(mutex_);
    if (lost_reason_.empty()) lost_reason_ = std::move(reason);
    changed_.notify_one();
  }

  const MqttOptions options_;
  Reporter reporter_;
  std::vector<std::string> filters_;
  Handlers handlers_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  Lanes lanes_;
  LinkRate sending_;
  LinkRate arriving_;
  LinkRate::Time measured_{0};  // when last
  bool link_up_ = false;
  bool stopping_ = false;
  bool with_will_ = false;
  Clock::time_point drain_until_;
  std::string lost_reason_;
};

}  // namespace

std::unique_ptr<Bus> make_mqtt_bus(MqttOptions options) {
  return std::make_unique<MqttBus>(std::move(options));
}

}  // namespace hyps::bus
