#include "services/cli/client.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <random>

#include "common/base/file.hpp"
#include "common/protocol/codec.hpp"
#include "common/runtime/event_loop.hpp"
#include "common/runtime/file_transfer.hpp"
#include "services/cli/cluster_note.hpp"

namespace hyps::cli {

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t random_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32U) | device();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody calls setenv
  return value == nullptr ? "" : value;
}

// The request number is the first member of every request.
void set_request(protocol::Message& message, std::uint64_t request) {
  std::visit(
      [&](auto& body) {
        if constexpr (requires { body.request; }) body.request = request;
      },
      message);
}

ErrorKind kind_named(const std::string& name) {
  for (const ErrorKind kind :
       {ErrorKind::invalid, ErrorKind::not_found, ErrorKind::unsupported, ErrorKind::overloaded,
        ErrorKind::disconnected, ErrorKind::corrupt, ErrorKind::io}) {
    if (name == to_string(kind)) return kind;
  }
  return ErrorKind::invalid;
}

}  // namespace

std::string random_name() { return fmt::format("{:016x}", random_number()); }

Result<BrokerAddress> find_broker(const std::string& given) {
  std::string text = given.empty() ? environment("HYPS_BROKER") : given;
  if (text.empty()) {
    if (const auto file = read_file(broker_file(), 256)) text = file->text();
  }
  if (text.empty()) text = "127.0.0.1:1883";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  BrokerAddress address;
  const std::size_t colon = text.rfind(':');
  address.host = text.substr(0, colon);
  if (colon != std::string::npos) {
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (error != std::errc() || rest != end || address.port < 1 || address.port > 65535) {
      address.host.clear();
    }
  }
  if (address.host.empty()) {
    return Error{ErrorKind::invalid, "'" + text + "' is no broker address; write HOST:PORT"};
  }
  return address;
}

Result<std::unique_ptr<Client>> Client::connect(const Cli& cli, Milliseconds timeout,
                                                const std::vector<std::string>& watched) {
  std::unique_ptr<Client> client(new Client());
  HYPS_TRY(client->broker_, find_broker(cli.broker));
  client->self_ = {protocol::Role::client, "cli-" + random_name()};
  client->answer_topic_ = "hyps/c/" + client->self_.id + "/answer";
  client->incoming_ = std::make_unique<BoundedQueue<Incoming>>(4096);
  bus::MqttOptions options;
  options.host = client->broker_.host;
  options.port = client->broker_.port;
  options.client_id = client->self_.id;
  options.username = environment("HYPS_BROKER_USERNAME");
  options.password = environment("HYPS_BROKER_PASSWORD");
  auto* incoming = client->incoming_.get();
  // A broker that is away is told in connect's error; lines in between would tear the output.
  options.report = [incoming](std::string_view event, const auto& fields) {
    if (event != "bus.waiting") return;
    for (const auto& [key, value] : fields) {
      if (key == "reason") incoming->push({Incoming::Kind::waiting, {}, value});
    }
  };
  client->bus_ = bus::make_mqtt_bus(options);
  client->bus_->subscribe(protocol::inbox(client->self_));
  client->bus_->subscribe(client->answer_topic_);
  for (const std::string& topic : watched) client->bus_->subscribe(topic);
  client->bus_->start({
      .message =
          [incoming](bus::Message m) {
            incoming->push({Incoming::Kind::message, std::move(m), {}});
          },
      .connected =
          [incoming] {
            incoming->push({Incoming::Kind::connected, {}, {}});
          },
      .disconnected = [](const std::string&) {},
  });
  if (!client->pump([&] { return client->connections_ > 0; }, timeout)) {
    return client->no_broker();
  }
  return client;
}

Error Client::no_broker() const {
  // As Paho writes MQTT 5's reason codes: bad user name or password, not authorized.
  if (waiting_reason_.find("[134]") != std::string::npos ||
      waiting_reason_.find("[135]") != std::string::npos) {
    return {ErrorKind::disconnected,
            fmt::format("the MQTT broker at {}:{} refuses this user name or password; "
                        "HYPS_BROKER_USERNAME and HYPS_BROKER_PASSWORD say others",
                        broker_.host, broker_.port)};
  }
  return {ErrorKind::disconnected,
          fmt::format("no MQTT broker at {}:{}; is the cluster up? (hyps up, or --broker)",
                      broker_.host, broker_.port)};
}

Client::~Client() {
  if (incoming_) incoming_->close();
  if (bus_) bus_->stop(200);
}

bool Client::pump(const std::function<bool()>& until, Milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!until()) {
    auto incoming = incoming_->pop_until(deadline);
    if (!incoming) return false;
    switch (incoming->kind) {
      case Incoming::Kind::connected:
        ++connections_;
        break;
      case Incoming::Kind::waiting:
        waiting_reason_ = std::move(incoming->reason);
        break;
      case Incoming::Kind::message:
        handle(std::move(incoming->message));
    }
  }
  return true;
}

void Client::handle(bus::Message message) {
  if (message.topic != protocol::inbox(self_)) {
    messages_.push_back(std::move(message));
    return;
  }
  const auto decoded = protocol::decode(message.payload);
  if (!decoded) return;  // not from a hub of ours; the request will be sent again
  if (const auto* reply = std::get_if<protocol::Reply>(&*decoded)) {
    replies_.emplace(reply->request, reply->json);
  } else if (const auto* refused = std::get_if<protocol::Refused>(&*decoded);
             refused != nullptr && refused->request != 0) {
    replies_.emplace(refused->request, Error{kind_named(refused->kind), refused->message});
  } else if (const auto* chunk = std::get_if<protocol::Chunk>(&*decoded)) {
    take_chunk(*chunk);
  } else {
    file_answers_.push_back(*decoded);
  }
}

void Client::take_chunk(const protocol::Chunk& chunk) {
  if (!streams_) return;  // of a request that was given up
  auto arrival = streams_->accept("hub", chunk, runtime::now().steady);
  if (!arrival.ok()) return;  // a stream with a gap; it is asked for again
  ++chunks_;
  if (*arrival) arrivals_.push_back(std::move(**arrival));
}

Result<nlohmann::json> Client::request(protocol::Message message, Milliseconds timeout) {
  const std::uint64_t number = random_number() | 1U;
  set_request(message, number);
  const auto deadline = Clock::now() + timeout;
  while (Clock::now() < deadline) {
    HYPS_CHECK(
        bus_->publish({.topic = protocol::outbox(self_), .payload = protocol::encode(message)}));
    if (!pump([&] { return replies_.contains(number); }, Milliseconds(1000))) continue;
    const Result<std::string> reply = replies_.extract(number).mapped();
    if (!reply) return reply.error();
    auto json = nlohmann::json::parse(*reply, nullptr, false);
    if (json.is_discarded()) {
      return Error{ErrorKind::corrupt, "the hub's answer is no JSON; are versions mixed?"};
    }
    return json;
  }
  return Error{ErrorKind::disconnected,
               fmt::format("no hub answers at broker {}:{} within {} s", broker_.host, broker_.port,
                           timeout.count() / 1000)};
}

Result<nlohmann::json> Client::query(const std::string& what, const std::string& name,
                                     Milliseconds timeout) {
  return request(protocol::Query{0, what, name}, timeout);
}

Status Client::check_model(const std::string& name) {
  const auto known = query("model", name);
  return known.ok() ? Status() : Status(known.error());
}

Result<std::vector<protocol::FileRef>> Client::upload(
    const std::vector<std::pair<std::filesystem::path, std::string>>& files,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  runtime::FileUploader uploader;
  std::vector<protocol::FileRef> references;
  for (const auto& [path, name] : files) {
    HYPS_TRY(references.emplace_back(), uploader.add(path, name));
  }
  const auto send = [&](const std::vector<protocol::PartPut>& parts) {
    for (const auto& part : parts) {
      // A full queue is no loss: the uploader sends again what is not acknowledged.
      (void)bus_->publish({.topic = protocol::outbox(self_), .payload = protocol::encode(part)});
    }
  };
  auto last_progress = Clock::now();
  std::uint64_t bytes_done = 0;
  while (!uploader.idle()) {
    send(uploader.on_tick(runtime::now().steady));
    pump([&] { return !file_answers_.empty(); }, Milliseconds(200));
    for (const auto& answer : std::exchange(file_answers_, {})) {
      if (const auto* stored = std::get_if<protocol::PartStored>(&answer)) {
        send(uploader.on_stored(*stored, runtime::now().steady));
      } else if (const auto* refused = std::get_if<protocol::Refused>(&answer)) {
        if (const auto error = uploader.on_refused(*refused)) return *error;
      }
    }
    if (uploader.bytes_done() > bytes_done) {
      bytes_done = uploader.bytes_done();
      last_progress = Clock::now();
      progress(bytes_done, uploader.bytes_total());
    }
    if (Clock::now() - last_progress > std::chrono::seconds(30)) {
      return Error{ErrorKind::disconnected, "the hub takes no files (nothing for 30 s)"};
    }
  }
  return references;
}

Result<Blob> Client::output(const std::string& job, const std::string& tensor, std::size_t bytes) {
  constexpr Milliseconds kPatience{10'000};  // without a chunk
  constexpr int kTries = 3;
  const std::uint64_t number = random_number() | 1U;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    streams_.emplace(bytes, bytes);
    arrivals_.clear();
    HYPS_CHECK(bus_->publish(
        {.topic = protocol::outbox(self_),
         .payload = protocol::encode(protocol::OutputGet{number, JobId(job), tensor})}));
    std::size_t seen = 0;
    const auto news = [&] {
      return !arrivals_.empty() || replies_.contains(number) || chunks_ > seen;
    };
    do {
      seen = chunks_;
    } while (pump(news, kPatience) && arrivals_.empty() && !replies_.contains(number));
    if (replies_.contains(number)) return replies_.extract(number).mapped().error();
    if (!arrivals_.empty()) break;
  }
  streams_.reset();
  if (arrivals_.empty()) {
    return Error{ErrorKind::disconnected, "the hub sends no outputs"};
  }
  return arrivals_.back().data;
}

std::optional<bus::Message> Client::next_message(Milliseconds timeout) {
  if (!pump([&] { return !messages_.empty(); }, timeout)) return std::nullopt;
  bus::Message message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

Result<std::string> choose_model(Client& client, const std::string& given) {
  if (!given.empty()) {
    HYPS_CHECK(client.check_model(given));
    return given;
  }
  HYPS_TRY(const auto reply, client.query("models"));
  const auto& models = reply.at("models");
  if (models.size() == 1) return models[0].value("name", "");
  std::string names;
  for (const auto& model : models) names += " " + model.value("name", "");
  return Error{ErrorKind::invalid, models.empty()
                                       ? "no model is deployed; see hyps deploy"
                                       : "which model? use --model with one of:" + names};
}

}  // namespace hyps::cli
