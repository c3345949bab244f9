#include "common/bus/lanes.hpp"

#include <fmt/format.h>

#include <utility>

namespace hyps::bus {

namespace {
std::size_t size_of(const Message& message) {
  return message.topic.size() + message.payload.size();
}
}  // namespace

Status Lanes::add_control(Message message) {
  if (queue_.size() >= max_messages_ || queued_bytes_ + size_of(message) > max_bytes_) {
    return Error{ErrorKind::overloaded,
                 fmt::format("{} messages with {} bytes wait for the broker already", queue_.size(),
                             queued_bytes_)};
  }
  queued_bytes_ += size_of(message);
  queue_.push_back({std::move(message), 0});
  return {};
}

void Lanes::add_bulk(std::string topic, Source source) {
  sources_.emplace_back(std::move(topic), std::move(source));
}

std::optional<Lanes::Next> Lanes::next(Milliseconds now) {
  if (in_flight_.size() >= kMaxInFlight) return std::nullopt;
  auto found = next_control(now);
  return found ? std::move(found) : next_bulk(now);
}

std::optional<Lanes::Next> Lanes::next_control(Milliseconds now) {
  if (queue_.empty()) return std::nullopt;
  const std::size_t bytes = size_of(queue_.front().message);
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
  in_flight_[next.serial] = {std::move(control), bytes, now};
  return next;
}

std::optional<Lanes::Next> Lanes::next_bulk(Milliseconds now) {
  while (!sources_.empty() && window_.has_room()) {
    auto [topic, source] = std::move(sources_.front());
    sources_.pop_front();
    auto frame = source(window_.chunk_bytes());
    if (!frame) continue;  // this one is through
    Next next{next_serial_++, {.topic = topic, .payload = std::move(*frame)}};
    sources_.emplace_back(std::move(topic), std::move(source));
    const std::size_t bytes = next.message.payload.size();
    window_.sent(bytes);
    in_flight_[next.serial] = {std::nullopt, bytes, now};
    return next;
  }
  return std::nullopt;
}

void Lanes::ended(std::uint64_t serial, bool accepted, Milliseconds now) {
  const auto found = in_flight_.find(serial);
  if (found == in_flight_.end()) return;  // of an earlier connection
  const Sending& sending = found->second;
  if (sending.control) {
    --control_in_flight_;
    control_bytes_in_flight_ -= sending.bytes;
    if (!accepted) ++dropped_;
  } else {
    window_.acknowledged(sending.bytes, now - sending.since);
  }
  in_flight_.erase(found);
}

void Lanes::lost() {
  for (auto sending = in_flight_.rbegin(); sending != in_flight_.rend(); ++sending) {
    if (!sending->second.control) continue;
    // A broker that throws us out for one message would do so for ever.
    if (sending->second.control->sendings >= kMaxSendings) {
      ++dropped_;
      continue;
    }
    queued_bytes_ += sending->second.bytes;
    queue_.push_front(std::move(*sending->second.control));
  }
  in_flight_.clear();
  control_in_flight_ = 0;
  control_bytes_in_flight_ = 0;
  sources_.clear();
  window_.reset();
}

}  // namespace hyps::bus
