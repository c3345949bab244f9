#include "common/bus/lanes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace hyps::bus {

namespace {

std::size_t size_of(const Message& message) {
  std::size_t bytes = message.topic.size() + message.payload.size() +
                      message.response_topic.size() + message.correlation.size();
  for (const auto& [key, value] : message.properties) bytes += key.size() + value.size() + 5;
  return bytes;
}

}  // namespace

Status Lanes::add_control(Message message) {
  const std::size_t bytes = size_of(message);
  if (bytes + kPacketOverhead > max_packet_) {
    return Error{ErrorKind::invalid,
                 fmt::format("a message of {} bytes to {} is above the broker's maximum of {}",
                             bytes, message.topic, max_packet_)};
  }
  if (queue_.size() >= max_messages_ || queued_bytes_ + bytes > max_bytes_) {
    return Error{ErrorKind::overloaded,
                 fmt::format("{} messages with {} bytes wait for the broker already", queue_.size(),
                             queued_bytes_)};
  }
  queued_bytes_ += bytes;
  queue_.push_back({std::move(message), 0});
  return {};
}

Status Lanes::add_bulk(std::string topic, Source source) {
  const std::size_t sources = sources_.size() + asleep_.size();
  if (sources >= kMaxSources) {
    return Error{ErrorKind::overloaded, fmt::format("{} transfers are under way already", sources)};
  }
  sources_.emplace_back(std::move(topic), std::move(source));
  return {};
}

std::vector<Message> Lanes::limit_packets(std::size_t bytes) {
  max_packet_ = std::max(bytes, 2 * kPacketOverhead);
  std::vector<Message> dropped;
  std::erase_if(queue_, [&](Control& control) {
    const std::size_t size = size_of(control.message);
    if (size + kPacketOverhead <= max_packet_) return false;
    queued_bytes_ -= size;
    dropped.push_back(std::move(control.message));
    return true;
  });
  return dropped;
}

// What is larger than the socket goes when that is as good as empty: acknowledgements of what comes
// in may always be on their way.
bool Lanes::fits(const Message& message, const Room& room) {
  const std::size_t bytes = size_of(message) + kPacketOverhead;
  return bytes <= room.bytes ||
         (bytes > room.capacity && room.bytes >= room.capacity - room.capacity / 8);
}

std::optional<Lanes::Next> Lanes::next_control(Milliseconds now, const Room& room) {
  if (queue_.empty() || is_full()) return std::nullopt;
  const std::size_t bytes = size_of(queue_.front().message);
  if (!fits(queue_.front().message, room)) return std::nullopt;
  // A large one may always go alone.
  if (control_in_flight_ > 0 && control_bytes_in_flight_ + bytes > kMaxControlBytesInFlight) {
    return std::nullopt;
  }
  Control control = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= bytes;
  ++control.sendings;
  ++control_in_flight_;
  control_bytes_in_flight_ += bytes;
  Next next{next_serial_++, control.message};
  in_flight_[next.serial] = {std::move(control), next.message.topic, bytes, now};
  return next;
}

std::optional<Lanes::Bulk> Lanes::take_bulk(const Room& room) {
  if (sources_.empty() || is_full() || !window_.has_room()) return std::nullopt;
  if (!queue_.empty() && !fits(queue_.front().message, room)) return std::nullopt;
  // A whole chunk, or half of what the socket holds: no stream of small packets.
  const std::size_t there = room.bytes - std::min(room.bytes, kPacketOverhead);
  if (there < std::min(window_.chunk_bytes(), room.capacity / 2)) return std::nullopt;
  auto [topic, source] = std::move(sources_.front());
  sources_.pop_front();
  const std::size_t most = max_packet_ - kPacketOverhead - std::min(topic.size(), kPacketOverhead);
  return Bulk{std::move(topic), std::move(source),
              std::clamp<std::size_t>(std::min(most, there), 1, window_.chunk_bytes()), wakes_};
}

void Lanes::put_aside(Bulk bulk) {
  Sources& where = bulk.wakes == wakes_ ? asleep_ : sources_;
  where.emplace_back(std::move(bulk.topic), std::move(bulk.source));
}

void Lanes::wake() {
  ++wakes_;
  std::move(asleep_.begin(), asleep_.end(), std::back_inserter(sources_));
  asleep_.clear();
}

Result<Lanes::Next> Lanes::add_chunk(Bulk bulk, Blob frame, Milliseconds now) {
  const std::size_t bytes = frame.size();
  if (bytes + bulk.topic.size() > max_packet_) {
    return Error{ErrorKind::invalid,
                 fmt::format("a chunk of {} bytes to {} is above the broker's maximum of {}", bytes,
                             bulk.topic, max_packet_)};
  }
  Next next{next_serial_++, {.topic = bulk.topic, .payload = std::move(frame)}};
  window_.sent(bytes);
  in_flight_[next.serial] = {std::nullopt, bulk.topic, bytes, now};
  sources_.emplace_back(std::move(bulk.topic), std::move(bulk.source));
  return next;
}

std::optional<Lanes::Ended> Lanes::ended(std::uint64_t serial, Milliseconds now) {
  const auto found = in_flight_.find(serial);
  if (found == in_flight_.end()) return std::nullopt;
  Sending sending = std::move(found->second);
  in_flight_.erase(found);
  if (!sending.control) {
    window_.acknowledged(sending.bytes, now - sending.since);
    return Ended{std::move(sending.topic), nullptr};
  }
  --control_in_flight_;
  control_bytes_in_flight_ -= sending.bytes;
  return Ended{std::move(sending.topic), std::move(sending.control->message.settled)};
}

std::vector<Message> Lanes::lost() {
  std::vector<Message> given_up;
  for (auto sending = in_flight_.rbegin(); sending != in_flight_.rend(); ++sending) {
    auto& [serial, it] = *sending;
    if (!it.control) continue;
    if (it.control->sendings >= kMaxSendings) {
      given_up.push_back(std::move(it.control->message));
      continue;
    }
    queued_bytes_ += it.bytes;
    queue_.push_front(std::move(*it.control));
  }
  in_flight_.clear();
  control_in_flight_ = 0;
  control_bytes_in_flight_ = 0;
  sources_.clear();
  asleep_.clear();
  window_.reset();
  return given_up;
}

}  // namespace hyps::bus
