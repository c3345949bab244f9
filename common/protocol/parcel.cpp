#include "common/protocol/parcel.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "common/protocol/codec.hpp"

namespace hyps::protocol {

namespace {

constexpr std::string_view kMagic = "HYPP";
constexpr std::size_t kLengthBytes = 4;  // before each frame

Blob parcel_of(const std::vector<Blob>& frames, std::size_t bytes) {
  std::string parcel;
  parcel.reserve(bytes);
  parcel += kMagic;
  for (const Blob& frame : frames) {
    for (std::size_t i = 0; i < kLengthBytes; ++i) {
      parcel += static_cast<char>((frame.size() >> (8 * i)) & 0xffU);
    }
    parcel += frame.text();
  }
  return Blob::of(std::move(parcel));
}

std::size_t length_at(std::string_view packet, std::size_t at) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<std::size_t>(static_cast<std::uint8_t>(packet[at + i])) << (8 * i);
  }
  return length;
}

}  // namespace

std::vector<Blob> pack(std::vector<Blob> frames) {
  std::vector<Blob> packets;
  std::vector<Blob> together;
  std::size_t bytes = kMagic.size();
  const auto close = [&] {
    if (together.size() == 1) packets.push_back(std::move(together.front()));
    if (together.size() > 1) packets.push_back(parcel_of(together, bytes));
    together.clear();
    bytes = kMagic.size();
  };
  for (Blob& frame : frames) {
    const std::size_t more = kLengthBytes + frame.size();
    if (bytes + more > kMaxParcelBytes) close();
    bytes += more;
    together.push_back(std::move(frame));
  }
  close();
  return packets;
}

void unpack(const Blob& packet, const std::function<void(Result<Message>)>& take) {
  if (!packet.text().starts_with(kMagic)) return take(decode(packet));
  if (packet.size() > kMaxParcelBytes) {
    return take(Error{ErrorKind::corrupt, "a parcel larger than any that is packed"});
  }
  for (std::size_t at = kMagic.size(); at < packet.size();) {
    const std::size_t left = packet.size() - at;
    const std::size_t length = left < kLengthBytes ? 0 : length_at(packet.text(), at);
    if (left < kLengthBytes || length > left - kLengthBytes) {
      return take(Error{ErrorKind::corrupt, "a parcel that is cut short"});
    }
    auto message = decode(packet.slice(at + kLengthBytes, length));
    const bool is_damaged = !message.ok() && message.error().kind == ErrorKind::corrupt;
    take(std::move(message));
    if (is_damaged) return;
    at += kLengthBytes + length;
  }
}

}  // namespace hyps::protocol
