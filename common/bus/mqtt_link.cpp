#include "common/bus/mqtt_link.hpp"

#include <fmt/format.h>
#include <mqtt/async_client.h>

#include <chrono>

namespace hyps::bus {

namespace {

constexpr auto kAnswerTime = std::chrono::seconds(5);
constexpr auto kAnswerSlice = std::chrono::milliseconds(50);
constexpr auto kGoodbyeTime = std::chrono::milliseconds(500);
constexpr int kKeepAliveS = 10;
constexpr int kMaxInFlight = 1000;  // the bus keeps far below
constexpr int kQos = 1;
constexpr int kRefused = 0x80;  // reason codes from here on are errors (MQTT 5, 2.4)

mqtt::message_ptr to_paho(const Message& message) {
  auto out = mqtt::make_message(message.topic, message.payload.data(), message.payload.size(), kQos,
                                message.retained);
  mqtt::properties properties;
  if (!message.response_topic.empty()) {
    properties.add({mqtt::property::RESPONSE_TOPIC, message.response_topic});
  }
  if (!message.correlation.empty()) {
    properties.add({mqtt::property::CORRELATION_DATA, message.correlation});
  }
  for (const auto& [key, value] : message.properties) {
    properties.add({mqtt::property::USER_PROPERTY, key, value});
  }
  out->set_properties(std::move(properties));
  return out;
}

std::string text_property(const mqtt::properties& properties, mqtt::property::code code) {
  return properties.contains(code) ? mqtt::get<mqtt::string>(properties, code) : std::string();
}

Message from_paho(mqtt::const_message_ptr in) {
  Message message;
  message.topic = in->get_topic();
  message.retained = in->is_retained();
  const mqtt::properties& properties = in->get_properties();
  message.response_topic = text_property(properties, mqtt::property::RESPONSE_TOPIC);
  message.correlation = text_property(properties, mqtt::property::CORRELATION_DATA);
  for (std::size_t i = 0; i < properties.count(mqtt::property::USER_PROPERTY); ++i) {
    const auto [key, value] =
        mqtt::get<mqtt::string_pair>(properties, mqtt::property::USER_PROPERTY, i);
    message.properties.emplace_back(key, value);
  }
  const mqtt::binary_ref& payload = in->get_payload_ref();
  const auto bytes = payload.empty() ? std::span<const std::byte>()
                                     : std::as_bytes(std::span(payload.data(), payload.size()));
  message.payload = Blob(std::move(in), bytes);
  return message;
}

class PahoLink : public MqttLink, private mqtt::iaction_listener {
 public:
  PahoLink(const MqttOptions& options, Events events)
      : events_(std::move(events)),
        client_(fmt::format("tcp://{}:{}", options.host, options.port), options.client_id,
                mqtt::create_options(MQTTVERSION_5), nullptr) {
    client_.set_message_callback([this](mqtt::const_message_ptr message) {
      if (message) events_.message(from_paho(std::move(message)));
    });
    client_.set_connection_lost_handler(
        [this](const std::string& cause) { events_.lost(cause.empty() ? "cut" : cause); });
    client_.set_disconnected_handler([this](const mqtt::properties&, mqtt::ReasonCode code) {
      events_.lost(
          fmt::format("ended by the broker, reason code {:#x}", static_cast<unsigned>(code)));
    });
  }

  // Callbacks may come until client_, the last member, is gone: destroying it waits for them. (They
  // cannot be disabled here: Paho throws while a connect or disconnect is under way.)
  ~PahoLink() override = default;

  Status open(const MqttOptions& options, const std::vector<std::string>& filters) {
    try {
      auto token = client_.connect(connect_options(options));
      if (!is_answered(*token)) {
        return Error{ErrorKind::disconnected, "the broker does not answer"};
      }
      const auto response = token->get_connect_response();
      const mqtt::properties& granted = response.get_properties();
      if (granted.contains(mqtt::property::MAXIMUM_PACKET_SIZE)) {
        max_packet_ = mqtt::get<std::uint32_t>(granted, mqtt::property::MAXIMUM_PACKET_SIZE);
      }
      sockets_ = Sockets(options.port);
      sockets_.send_without_delay();
      return subscribe(filters);
    } catch (const mqtt::exception& error) {
      return Error{ErrorKind::disconnected, error.to_string()};
    }
  }

  Status publish(const Message& message, std::uint64_t serial) override {
    try {
      // Paho carries a pointer for us; the serial travels in it. NOLINTNEXTLINE(*-int-to-ptr)
      sockets_.handed(message.payload.size());
      client_.publish(to_paho(message), reinterpret_cast<void*>(serial), *this);
      return {};
    } catch (const mqtt::exception& error) {
      return Error{ErrorKind::disconnected, error.to_string()};
    }
  }

  [[nodiscard]] Room room() override { return sockets_.room(); }

  [[nodiscard]] Through through() const override { return sockets_.through(); }

  [[nodiscard]] std::size_t max_packet_bytes() const override { return max_packet_; }

  void disconnect(const std::optional<Message>& last_words) override {
    try {
      if (last_words) client_.publish(to_paho(*last_words))->wait_for(kGoodbyeTime);
      client_.disable_callbacks();
      client_.disconnect()->wait_for(kGoodbyeTime);
    } catch (const mqtt::exception&) {
      return;  // it is gone already
    }
  }

 private:
  // In slices, so that whoever wants to stop does not wait for a broker that hangs.
  bool is_answered(mqtt::token& token) const {
    const auto until = std::chrono::steady_clock::now() + kAnswerTime;
    while (std::chrono::steady_clock::now() < until && !events_.given_up()) {
      if (token.wait_for(kAnswerSlice)) return true;
    }
    return false;
  }

  static mqtt::connect_options connect_options(const MqttOptions& options) {
    mqtt::connect_options connect;
    connect.set_mqtt_version(MQTTVERSION_5);
    connect.set_clean_start(true);
    connect.set_keep_alive_interval(kKeepAliveS);
    connect.set_connect_timeout(kAnswerTime);
    connect.set_max_inflight(kMaxInFlight);
    if (!options.username.empty()) {
      connect.set_user_name(options.username);
      connect.set_password(options.password);
    }
    if (!options.will_topic.empty()) {
      connect.set_will(mqtt::message(options.will_topic, options.will_payload, kQos, true));
    }
    return connect;
  }

  Status subscribe(const std::vector<std::string>& filters) {
    for (const std::string& filter : filters) {
      auto token = client_.subscribe(filter, kQos);
      if (!is_answered(*token)) {
        return Error{ErrorKind::disconnected, "no answer to subscribing to " + filter};
      }
      const auto response = token->get_subscribe_response();
      for (const auto code : response.get_reason_codes()) {
        if (static_cast<int>(code) >= kRefused) {
          return Error{ErrorKind::invalid, fmt::format("the broker refuses {} (reason {:#x})",
                                                       filter, static_cast<unsigned>(code))};
        }
      }
    }
    return {};
  }

  void on_success(const mqtt::token& token) override {
    events_.ended(serial_of(token), !is_refusal(token));
  }
  void on_failure(const mqtt::token& token) override {
    if (is_refusal(token)) return events_.ended(serial_of(token), false);
    // Paho fails what is under way just before it says that the connection is lost.
    events_.lost("cut while sending");
  }
  static bool is_refusal(const mqtt::token& token) {
    return static_cast<int>(token.get_reason_code()) >= kRefused;
  }
  static std::uint64_t serial_of(const mqtt::token& token) {
    return reinterpret_cast<std::uint64_t>(token.get_user_context());
  }

  Events events_;
  Sockets sockets_;
  std::size_t max_packet_ = std::size_t{256} << 20U;
  mqtt::async_client client_;
};

}  // namespace

Result<std::unique_ptr<MqttLink>> connect_mqtt(const MqttOptions& options,
                                               const std::vector<std::string>& filters,
                                               MqttLink::Events events) {
  try {
    auto link = std::make_unique<PahoLink>(options, std::move(events));
    HYPS_CHECK(link->open(options, filters));
    return std::unique_ptr<MqttLink>(std::move(link));
  } catch (const mqtt::exception& error) {
    return Error{ErrorKind::disconnected, error.to_string()};
  }
}

}  // namespace hyps::bus
