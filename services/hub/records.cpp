#include "services/hub/records.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/protocol/codec.hpp"
#include "services/hub/keys.hpp"

namespace hyps::hub {

namespace {

Error damaged(const char* what) {
  return {ErrorKind::corrupt, std::string("the record of a ") + what + " is damaged"};
}

// Records of protocol types are frames: versioned, and guarded by a checksum.
template <typename T>
Result<T> decode_frame(const Blob& record, const char* what) {
  HYPS_TRY(protocol::Message message, protocol::decode(record));
  if (auto* found = std::get_if<T>(&message)) return std::move(*found);
  return damaged(what);
}

// Two numbers as text.
template <typename A, typename B>
Status parse_pair(const Blob& record, A& a, B& b, const char* what) {
  std::istringstream in{std::string(record.text())};
  if (in >> a >> b) return {};
  return damaged(what);
}

}  // namespace

Blob encode_model(const protocol::ModelRecord& model) {
  return protocol::encode(protocol::Snapshot{0, {}, {model}});
}

Result<protocol::ModelRecord> decode_model(const Blob& record) {
  HYPS_TRY(auto snapshot, decode_frame<protocol::Snapshot>(record, "model"));
  if (snapshot.models.size() != 1) return damaged("model");
  return std::move(snapshot.models.front());
}

Blob encode_worker(const protocol::WorkerInfo& worker) {
  return protocol::encode(protocol::Hello{worker});
}

Result<protocol::WorkerInfo> decode_worker(const Blob& record) {
  HYPS_TRY(auto hello, decode_frame<protocol::Hello>(record, "worker"));
  return std::move(hello.info);
}

Blob encode_ref(const protocol::TensorRef& ref) {
  return Blob::of(fmt::format("{} {}", ref.bytes, ref.digest.hex()));
}

Result<protocol::TensorRef> decode_ref(const std::string& tensor, const Blob& record) {
  protocol::TensorRef ref{tensor, 0, {}};
  std::string hex;
  HYPS_CHECK(parse_pair(record, ref.bytes, hex, "feature map"));
  const auto digest = Digest::from_hex(hex);
  if (!digest) return damaged("feature map");
  ref.digest = *digest;
  return ref;
}

std::int64_t decode_ref_bytes(const Blob& record) {
  const std::string_view text = record.text();
  std::int64_t bytes = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), bytes);
  return parsed.ec == std::errc() ? bytes : 0;
}

Blob encode_file(const FileRecord& file) {
  return Blob::of(fmt::format("{} {}", file.bytes, file.verified ? 1 : 0));
}

Result<FileRecord> decode_file(const Blob& record) {
  FileRecord file;
  HYPS_CHECK(parse_pair(record, file.bytes, file.verified, "file"));
  return file;
}

Blob encode_reputation(const voting::Reputation& reputation) {
  const auto& r = reputation;
  return Blob::of(dump({{"agreements", r.agreements},
                        {"lies", r.lies},
                        {"in_a_row", r.in_a_row},
                        {"quarantined", r.quarantined}}));
}

Result<voting::Reputation> decode_reputation(const Blob& record) {
  try {
    const auto in = nlohmann::json::parse(record.text());
    voting::Reputation reputation;
    reputation.agreements = in.at("agreements").get<std::uint64_t>();
    reputation.lies = in.at("lies").get<std::uint64_t>();
    reputation.in_a_row = in.at("in_a_row").get<std::uint64_t>();
    reputation.quarantined = in.at("quarantined").get<bool>();
    return reputation;
  } catch (const nlohmann::json::exception& problem) {
    return Error{ErrorKind::corrupt, std::string("a worker's reputation: ") + problem.what()};
  }
}

Blob encode_totals(const Totals& totals) {
  return Blob::of(fmt::format("{} {}", totals.done, totals.failed));
}

Result<Totals> decode_totals(const Blob& record) {
  Totals totals;
  HYPS_CHECK(parse_pair(record, totals.done, totals.failed, "model's totals"));
  return totals;
}

}  // namespace hyps::hub
