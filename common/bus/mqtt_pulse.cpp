// The pulse over MQTT; the only file that includes libmosquitto.
#include <mosquitto.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "common/bus/probe.hpp"
#include "common/bus/pulse.hpp"

namespace hyps::bus {

namespace {

constexpr int kKeepAliveS = 5;  // the least that libmosquitto takes
constexpr int kProbeMs = 500;
constexpr int kLoopMs = 100;
constexpr auto kProbeAgain = std::chrono::milliseconds(50);
constexpr auto kConnectAgain = std::chrono::milliseconds(500);  // the broker was there, and refused
constexpr int kNoRetain = 0;
constexpr int kQos = 0;

class Library {
 public:
  Library() { mosquitto_lib_init(); }
  ~Library() { mosquitto_lib_cleanup(); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
};

class MqttPulse : public Pulse {
 public:
  explicit MqttPulse(MqttOptions options)
      : options_(std::move(options)),
        client_(mosquitto_new(options_.client_id.c_str(), true, this), mosquitto_destroy) {}

  ~MqttPulse() override {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }

  void start(std::string filter, Handler handler) override {
    filter_ = std::move(filter);
    handler_ = std::move(handler);
    if (client_ == nullptr) return report("pulse.failed", "out of memory");
    mosquitto_threaded_set(client_.get(), true);
    mosquitto_int_option(client_.get(), MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(client_.get(), MOSQ_OPT_TCP_NODELAY, 1);
    if (!options_.username.empty()) {
      mosquitto_username_pw_set(client_.get(), options_.username.c_str(),
                                options_.password.c_str());
    }
    mosquitto_connect_callback_set(client_.get(), [](mosquitto*, void* self, int refused) {
      static_cast<MqttPulse*>(self)->on_connect(refused);
    });
    mosquitto_message_callback_set(client_.get(),
                                   [](mosquitto*, void* self, const mosquitto_message* message) {
                                     static_cast<MqttPulse*>(self)->on_message(*message);
                                   });
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  bool send(const std::string& topic, const Blob& payload) override {
    if (!connected_.load()) return false;
    return mosquitto_publish(client_.get(), nullptr, topic.c_str(),
                             static_cast<int>(payload.size()), payload.data(), kQos,
                             kNoRetain) == MOSQ_ERR_SUCCESS;
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!probe(options_.host, options_.port, kProbeMs).ok()) {
        std::this_thread::sleep_for(kProbeAgain);
        continue;
      }
      serve(stop);
      connected_.store(false);
      if (!stop.stop_requested())
        std::this_thread::sleep_for(was_served_ ? kProbeAgain : kConnectAgain);
    }
  }

  // One connection, until it ends.
  void serve(const std::stop_token& stop) {
    was_served_ = false;
    const int rc =
        mosquitto_connect(client_.get(), options_.host.c_str(), options_.port, kKeepAliveS);
    if (rc != MOSQ_ERR_SUCCESS) return;
    while (mosquitto_loop(client_.get(), kLoopMs, 1) == MOSQ_ERR_SUCCESS) {
      if (stop.stop_requested()) mosquitto_disconnect(client_.get());
    }
  }

  void on_connect(int refused) {
    if (refused != 0) return report("pulse.refused", mosquitto_connack_string(refused));
    was_served_ = true;
    if (!filter_.empty()) mosquitto_subscribe(client_.get(), nullptr, filter_.c_str(), kQos);
    connected_.store(true);
  }

  void on_message(const mosquitto_message& message) {
    const auto* bytes = static_cast<const char*>(message.payload);
    const std::string_view payload(bytes == nullptr ? "" : bytes,
                                   static_cast<std::size_t>(message.payloadlen));
    handler_(message.topic, Blob::copy_of(payload));
  }

  void report(std::string_view event, const std::string& why) const {
    if (options_.report) options_.report(event, {{"why", why}});
  }

  const Library library_;
  const MqttOptions options_;
  std::string filter_;
  Handler handler_;
  std::unique_ptr<mosquitto, decltype(&mosquitto_destroy)> client_;
  std::atomic<bool> connected_{false};
  bool was_served_ = false;  // of the pulse's thread
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Pulse> make_mqtt_pulse(MqttOptions options) {
  return std::make_unique<MqttPulse>(std::move(options));
}

}  // namespace hyps::bus
