#include "common/protocol/codec.hpp"

#include <array>
#include <cassert>
#include <exception>
#include <utility>

#include "common/protocol/frame_archive.hpp"

namespace hyps::protocol {

namespace {

constexpr std::array<char, 4> kMagic{'H', 'Y', 'P', 'S'};
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kChecksumOffset = kMagic.size();
constexpr std::size_t kCheckedOffset = kChecksumOffset + sizeof(std::uint64_t);
constexpr std::size_t kTypeCount = std::variant_size_v<Message::variant>;
static_assert(kTypeCount <= 256, "the type is one byte");

void write_checked(frame::FrameWriter& writer, const Message& message) {
  writer.integer(kVersion);
  writer.integer(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& content) { writer(content); }, message);
}

template <std::size_t type>
Message read_body(frame::FrameReader& reader) {
  std::variant_alternative_t<type, Message::variant> content;
  reader(content);
  return Message(std::in_place_index<type>, std::move(content));
}

using BodyReader = Message (*)(frame::FrameReader&);

template <std::size_t... types>
constexpr std::array<BodyReader, sizeof...(types)> body_readers(std::index_sequence<types...>) {
  return {read_body<types>...};
}
constexpr auto kBodyReaders = body_readers(std::make_index_sequence<kTypeCount>());

Result<Message> read_checked(const Blob& frame) {
  frame::FrameReader reader(frame, kCheckedOffset);
  const auto version = reader.integer<std::uint8_t>();
  if (version != kVersion) {
    return Error{ErrorKind::unsupported, "frame of version " + std::to_string(version) +
                                             "; this program speaks version " +
                                             std::to_string(kVersion)};
  }
  const auto type = reader.integer<std::uint8_t>();
  if (type >= kTypeCount) {
    return Error{ErrorKind::unsupported,
                 "frame of unknown type " + std::to_string(type) + "; the sender is newer"};
  }
  Message message = kBodyReaders.at(type)(reader);
  if (reader.remaining() != 0) {
    return Error{ErrorKind::invalid, "frame of type " + std::to_string(type) + " has " +
                                         std::to_string(reader.remaining()) + " bytes too many"};
  }
  return message;
}

}  // namespace

Blob encode(const Message& message) {
  frame::FrameWriter counter(nullptr);
  write_checked(counter, message);
  const std::size_t size = kCheckedOffset + counter.size();

  std::shared_ptr<std::byte[]> bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  frame::FrameWriter body(bytes.get() + kCheckedOffset);
  write_checked(body, message);
  assert(body.size() == counter.size());

  frame::FrameWriter head(bytes.get());
  head.write(kMagic.data(), kMagic.size());
  head.integer(checksum_of({bytes.get() + kCheckedOffset, body.size()}));
  return {bytes, {bytes.get(), size}};
}

Result<Message> decode(const Blob& frame) {
  if (frame.size() > kMaxFrameBytes) {
    return Error{ErrorKind::invalid, "frame of " + std::to_string(frame.size()) +
                                         " bytes; at most " + std::to_string(kMaxFrameBytes) +
                                         " are allowed"};
  }
  if (frame.size() < kCheckedOffset + 2 ||
      std::memcmp(frame.data(), kMagic.data(), kMagic.size()) != 0) {
    return Error{ErrorKind::corrupt, "not a frame: it does not begin with HYPS and a header"};
  }
  try {
    const auto checksum = frame::FrameReader(frame, kChecksumOffset).integer<std::uint64_t>();
    if (checksum != checksum_of(frame.bytes().subspan(kCheckedOffset))) {
      return Error{ErrorKind::corrupt, "frame with a wrong checksum: damaged on its way"};
    }
    return read_checked(frame);
  } catch (const std::exception& problem) {
    return Error{ErrorKind::invalid, std::string("malformed frame: ") + problem.what()};
  }
}

}  // namespace hyps::protocol
