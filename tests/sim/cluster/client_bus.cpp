#include "client_bus.hpp"

#include <algorithm>
#include <utility>

#include "common/protocol/topics.hpp"

namespace hyps::sim {

namespace {

constexpr std::size_t kMaxQueuedBytes = 64U << 20U;
// Small, so that small feature maps travel in several chunks.
constexpr std::uint64_t kSmallestChunk = 40;
constexpr std::uint64_t kLargestChunk = 400;

}  // namespace

ClientBus::ClientBus(World& world, Network& network, std::string client,
                     std::vector<std::string> filters, bus::Message will, Handlers handlers)
    : world_(world),
      network_(network),
      client_(std::move(client)),
      filters_(std::move(filters)),
      will_(std::move(will)),
      handlers_(std::move(handlers)),
      lanes_(world.max_queued_messages, kMaxQueuedBytes) {}

void ClientBus::start() { try_connect(); }

void ClientBus::stop() {
  stopped_ = true;
  if (connection_) network_.close(connection_);
  if (connection_) connection_->socket.reset();
  connection_.reset();
}

void ClientBus::try_again() {
  world_.clock.after(world_.random_ms(20, 120), [self = weak_from_this()] {
    if (const auto bus = self.lock()) bus->try_connect();
  });
}

void ClientBus::try_connect() {
  if (stopped_ || connection_) return;
  connection_ = network_.connect(client_, filters_, will_, shared_from_this());
  if (!connection_) return try_again();
  pump();
  handlers_.connected();
}

void ClientBus::on_lost() {
  if (stopped_ || !connection_) return;
  connection_.reset();
  for (const auto& message : lanes_.lost()) {
    if (message.settled) message.settled();
  }
  try_again();
  handlers_.disconnected();
}

void ClientBus::on_message(bus::Message message) {
  if (!stopped_) handlers_.message(std::move(message));
}

void ClientBus::on_acknowledged(std::uint64_t serial) {
  if (stopped_) return;
  const auto ended = lanes_.ended(serial, world_.clock.now());
  if (ended && ended->settled) ended->settled();
  pump();
}

Status ClientBus::publish(bus::Message message) {
  HYPS_CHECK(lanes_.add_control(std::move(message)));
  pump();
  return {};
}

Status ClientBus::send(std::string topic, bus::Source source) {
  if (!connection_) return Error{ErrorKind::disconnected, "there is no connection to the broker"};
  HYPS_CHECK(lanes_.add_bulk(std::move(topic), std::move(source)));
  pump();
  return {};
}

void ClientBus::wake() {
  lanes_.wake();
  pump();
}

void ClientBus::pump() {
  if (pumping_) return;
  pumping_ = true;
  while (connection_ && send_next()) {
  }
  pumping_ = false;
}

bool ClientBus::send_next() {
  auto next = lanes_.next_control(world_.clock.now());
  if (!next) {
    auto bulk = lanes_.take_bulk();
    if (!bulk) return false;
    const auto most = kSmallestChunk + world_.random.below(kLargestChunk - kSmallestChunk);
    auto frame = bulk->source(std::min<std::size_t>(bulk->bytes, most));
    if (!frame) return true;
    if (frame->empty()) {
      lanes_.put_aside(std::move(*bulk));
      return true;
    }
    auto chunk = lanes_.add_chunk(std::move(*bulk), std::move(*frame), world_.clock.now());
    if (!chunk.ok()) return true;
    next = std::move(*chunk);
  }
  network_.send(connection_, next->serial, std::move(next->message));
  return true;
}

bus::Message status_message(const std::string& service, const std::string& id, const char* status) {
  bus::Message message;
  message.topic = protocol::status_topic(service, id);
  message.payload = Blob::copy_of(std::string_view(status));
  message.retained = true;
  return message;
}

}  // namespace hyps::sim
