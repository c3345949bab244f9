#include "transfer.hpp"

#include <algorithm>

namespace hyps::sim {

using protocol::kPartBytes;

namespace {

constexpr Milliseconds kPatience{2000};
constexpr std::size_t kWindow = 8;
constexpr int kMaxStarts = 3;

}  // namespace

void Download::want(const protocol::FileRef& file) {
  if (!has(file)) files_.try_emplace(file.digest).first->second.bytes = file.bytes;
}

bool Download::has(const protocol::FileRef& file) const {
  const auto found = cache_.find(file.digest);
  return found != cache_.end() && found->second.size() == file.bytes;
}

std::vector<protocol::Message> Download::on_tick(Milliseconds now) {
  std::vector<protocol::Message> requests;
  if (files_.empty()) return requests;
  auto& [digest, file] = *files_.begin();
  for (std::uint64_t offset = 0; offset < file.bytes; offset += kPartBytes) {
    const auto asked = file.asked.find(offset);
    const bool due = asked == file.asked.end() || now - asked->second >= kPatience;
    if (file.parts.contains(offset) || !due) continue;
    file.asked[offset] = now;
    requests.emplace_back(protocol::PartGet{digest, offset});
  }
  return requests;
}

void Download::on_part(const protocol::Part& part) {
  const auto found = files_.find(part.file);
  if (found == files_.end()) return;
  File& file = found->second;
  file.parts[part.offset] = std::string(part.data.text());
  std::string whole;
  for (const auto& [offset, bytes] : file.parts) whole += bytes;
  if (whole.size() < file.bytes) return;
  if (digest_of(std::string_view(whole)) == part.file) {
    cache_[part.file] = Blob::of(std::move(whole));
    files_.erase(found);
  } else if (++file.starts > kMaxStarts) {
    files_.erase(found);
  } else {
    file.parts.clear();
    file.asked.clear();
  }
}

void Upload::add(const Blob& file) {
  const Digest digest = digest_of(file.bytes());
  for (std::uint64_t offset = 0; offset < file.size(); offset += kPartBytes) {
    const auto size = std::min<std::uint64_t>(kPartBytes, file.size() - offset);
    Part part;
    part.put = {digest, file.size(), offset, file.slice(offset, size)};
    parts_.emplace(std::pair(digest, offset), std::move(part));
  }
}

std::vector<protocol::Message> Upload::on_tick(Milliseconds now) {
  std::vector<protocol::Message> puts;
  std::size_t outstanding = 0;
  for (auto& [key, part] : parts_) {
    if (++outstanding > kWindow) break;
    if (part.asked && now - *part.asked < kPatience) continue;
    part.asked = now;
    puts.emplace_back(part.put);
  }
  return puts;
}

void Upload::on_stored(const protocol::PartStored& stored) {
  parts_.erase({stored.file, stored.offset});
}

bool Upload::is_about(const protocol::Refused& refused) const {
  return parts_.contains({refused.file, refused.offset});
}

}  // namespace hyps::sim
