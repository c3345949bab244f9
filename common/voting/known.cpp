#include "common/voting/known.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace hyps::voting {

using nlohmann::json;

Result<std::string> encode_known(const std::vector<std::pair<std::string, Blob>>& tensors) {
  json list = json::array();
  std::uint64_t bytes = 0;
  for (const auto& [name, data] : tensors) {
    list.push_back(
        {{"name", name}, {"bytes", data.size()}, {"digest", digest_of(data.bytes()).hex()}});
    bytes += data.size();
  }
  if (bytes > kMaxKnownBytes) {
    return Error{ErrorKind::overloaded,
                 fmt::format("the feature maps of a known image have {} bytes, more than the {} "
                             "that are kept",
                             bytes, kMaxKnownBytes)};
  }
  const std::string index = json{{"tensors", list}}.dump();
  std::string file = fmt::format("{:016x}", index.size()) + index;
  file.reserve(file.size() + bytes);
  for (const auto& [name, data] : tensors) file += data.text();
  return file;
}

Result<std::uint64_t> known_index_bytes(std::string_view header) {
  std::uint64_t bytes = 0;
  const char* end = header.data() + header.size();
  const bool is_number = header.size() == kKnownHeaderBytes &&
                         std::from_chars(header.data(), end, bytes, 16).ptr == end;
  if (is_number && bytes <= kMaxKnownIndexBytes) return bytes;
  return Error{ErrorKind::corrupt, "this is no file of a known answer"};
}

Result<std::vector<KnownTensor>> parse_known_index(std::string_view index,
                                                   std::uint64_t file_bytes) {
  std::vector<KnownTensor> tensors;
  std::uint64_t offset = kKnownHeaderBytes + index.size();
  try {
    const json parsed = json::parse(index);
    for (const json& entry : parsed.at("tensors")) {
      KnownTensor tensor;
      tensor.name = entry.at("name").get<std::string>();
      tensor.offset = offset;
      tensor.bytes = entry.at("bytes").get<std::uint64_t>();
      tensor.digest = Digest::from_hex(entry.at("digest").get<std::string>()).value_or(Digest{});
      if (offset > file_bytes || tensor.bytes > file_bytes - offset) {
        return Error{ErrorKind::corrupt, "a known answer names more bytes than it has"};
      }
      offset += tensor.bytes;
      tensors.push_back(std::move(tensor));
    }
  } catch (const json::exception& error) {
    return Error{ErrorKind::corrupt, std::string("a known answer's index: ") + error.what()};
  }
  return tensors;
}

}  // namespace hyps::voting
