#include "services/hub/files.hpp"

#include <algorithm>

#include "services/hub/keys.hpp"
#include "services/hub/rot.hpp"
#include "services/hub/workers.hpp"

namespace hyps::hub {

namespace {

using protocol::kPartBytes;

void refuse(State& s, const Peer& peer, const Digest& file, std::uint64_t offset,
            const Error& error) {
  s.send(peer, protocol::Refused{0, file, offset, to_string(error.kind), error.message});
}

std::uint64_t part_size(std::uint64_t file_bytes, std::uint64_t offset) {
  return std::min<std::uint64_t>(kPartBytes, file_bytes - offset);
}

Status check_part(const State& s, const protocol::PartPut& put) {
  if (put.bytes > static_cast<std::uint64_t>(s.config.max_file_bytes)) {
    return Error{ErrorKind::overloaded, "the file is larger than max_file_bytes allows"};
  }
  if (put.offset % kPartBytes != 0 || put.offset >= put.bytes ||
      put.data.size() != part_size(put.bytes, put.offset)) {
    return Error{ErrorKind::invalid, "this is no part of such a file"};
  }
  const auto needed = s.config.disk_reserve_bytes + static_cast<std::int64_t>(put.data.size());
  if (s.disk_free && *s.disk_free < needed) {
    return Error{ErrorKind::overloaded, "disk full: the hub keeps its reserve; free some space"};
  }
  return {};
}

void verify(State& s, const Digest& digest, File& file) {
  file.record.verified = true;
  file.parts.clear();
  store::Batch batch;
  batch.puts.emplace_back(file_key(digest), encode_file(file.record));
  // Should this be lost, the file is verified again after a restart.
  s.persist(std::move(batch), [](const Status&) {});
  s.log(Log::Level::info, "file.stored", {{"file", digest.hex()}});
  on_file_whole(s, digest);
}

void hash_stored_parts(State& s, const Digest& digest, File& file);

// The next part in order is known: it enters the digest. False: the file was wrong and is gone.
bool hash_part(State& s, const Digest& digest, File& file, const Blob& part) {
  file.digester.add(part.bytes());
  file.hashed += part.size();
  if (file.hashed < file.record.bytes) return true;
  if (file.digester.result() == digest) {
    verify(s, digest, file);
    return true;
  }
  s.log(Log::Level::error, "file.damaged", {{"file", digest.hex()}});
  delete_file(s, digest);
  return false;
}

void on_part_read(State& s, const Digest& digest, std::uint64_t offset, const Result<Blob>& part) {
  const auto at = s.files.find(digest);
  if (at == s.files.end() || !at->second->reading || at->second->hashed != offset) return;
  File& file = *at->second;
  file.reading = false;
  if (!part.ok() || part->size() != part_size(file.record.bytes, offset)) {
    file.parts.erase(offset);  // the peer sends it again
    return;
  }
  if (hash_part(s, digest, file, *part)) hash_stored_parts(s, digest, file);
}

void hash_stored_parts(State& s, const Digest& digest, File& file) {
  if (file.record.verified || file.reading || !file.parts.contains(file.hashed)) return;
  file.reading = true;
  const std::uint64_t offset = file.hashed;
  s.read(file_part_key(digest, offset),
         [&s, digest, offset](const Result<Blob>& part) { on_part_read(s, digest, offset, part); });
}

void on_part_written(State& s, const Peer& peer, const protocol::PartPut& put,
                     const Status& status) {
  const auto at = s.files.find(put.file);
  if (at == s.files.end()) {
    return refuse(s, peer, put.file, put.offset, {ErrorKind::not_found, "the upload was dropped"});
  }
  File& file = *at->second;
  if (!status.ok()) {
    // Its record may not be there either: it begins anew.
    if (!file.record.verified && file.parts.empty()) s.files.erase(at);
    return refuse(s, peer, put.file, put.offset, status.error());
  }
  if (!file.record.verified) {
    file.parts.insert(put.offset);
    if (put.offset == file.hashed && !file.reading) {
      if (!hash_part(s, put.file, file, put.data)) {
        return refuse(
            s, peer, put.file, put.offset,
            {ErrorKind::corrupt, "the parts do not give the file's digest; send it again"});
      }
    }
    hash_stored_parts(s, put.file, file);
  }
  s.send(peer, protocol::PartStored{put.file, put.offset});
}

bool is_referred_to(const State& s, const Digest& digest) {
  const auto refers = [&](const std::vector<protocol::FileRef>& files) {
    return std::any_of(files.begin(), files.end(),
                       [&](const auto& file) { return file.digest == digest; });
  };
  for (const auto& [name, model] : s.models) {
    if (refers(model.files)) return true;
  }
  for (const auto& [id, plan] : s.plans) {
    for (const auto& bundle : plan.bundles) {
      if (refers(bundle.files)) return true;
    }
  }
  return false;
}

}  // namespace

void on_part_put(State& s, const Peer& peer, const protocol::PartPut& put) {
  if (put.bytes == 0 && put.data.empty()) {  // nothing to store
    return s.send(peer, protocol::PartStored{put.file, put.offset});
  }
  if (const Status status = check_part(s, put); !status.ok()) {
    return refuse(s, peer, put.file, put.offset, status.error());
  }
  auto& slot = s.files[put.file];
  const bool fresh = slot == nullptr;
  if (fresh) slot = std::make_unique<File>();
  File& file = *slot;
  file.used = s.last_part = s.now.steady;
  if (fresh) file.record.bytes = put.bytes;
  if (file.record.bytes != put.bytes) {
    return refuse(s, peer, put.file, put.offset,
                  {ErrorKind::invalid, "another upload of this file states another size"});
  }
  // What is on disk and in the digest needs no second write. A part that is on disk only is left
  // unanswered: the peer asks again, and by then its bytes are checked.
  if (file.record.verified || put.offset < file.hashed) {
    return s.send(peer, protocol::PartStored{put.file, put.offset});
  }
  if (file.parts.contains(put.offset)) return hash_stored_parts(s, put.file, file);
  store::Batch batch;
  batch.puts.emplace_back(file_part_key(put.file, put.offset), put.data);
  if (fresh) batch.puts.emplace_back(file_key(put.file), encode_file(file.record));
  s.persist(std::move(batch),
            [&s, peer, put](const Status& status) { on_part_written(s, peer, put, status); });
}

void on_part_get(State& s, const Peer& peer, const protocol::PartGet& get) {
  if (get.file == digest_of(std::string_view{})) {
    return s.send(peer, protocol::Part{get.file, get.offset, {}});
  }
  const auto at = s.files.find(get.file);
  const bool allowed =
      peer.role != protocol::Role::worker || may_read(s, WorkerId(peer.id), get.file);
  if (!allowed || at == s.files.end() || !at->second->record.verified ||
      get.offset >= at->second->record.bytes || get.offset % kPartBytes != 0) {
    if (allowed) note_lack(s, peer, get.file);
    return refuse(s, peer, get.file, get.offset,
                  {ErrorKind::not_found, "the hub has no such part for you"});
  }
  at->second->used = s.now.steady;
  s.effects.emplace_back(SendPart{peer, get.file, get.offset});
}

bool is_whole(const State& s, const protocol::FileRef& file) {
  if (file.bytes == 0) return true;
  const auto at = s.files.find(file.digest);
  return at != s.files.end() && at->second->record.verified &&
         at->second->record.bytes == file.bytes;
}

const protocol::FileRef* missing_file(const State& s, const std::vector<protocol::FileRef>& files) {
  for (const auto& file : files) {
    if (!is_whole(s, file)) return &file;
  }
  return nullptr;
}

void delete_file(State& s, const Digest& digest) {
  store::Batch batch;
  batch.deletes = {file_key(digest)};
  batch.delete_prefixes = {file_parts_of(digest)};
  s.files.erase(digest);
  // Should this fail, a file without owner is left, which expires after the next start.
  s.persist(std::move(batch), [](const Status&) {});
}

void collect_files(State& s, const std::vector<protocol::FileRef>& candidates) {
  for (const auto& file : candidates) {
    for (auto& [id, worker] : s.workers) worker.lacks.erase(file.digest);
    if (s.files.contains(file.digest) && !is_referred_to(s, file.digest)) {
      delete_file(s, file.digest);
    }
  }
}

// While something is uploaded, what was uploaded before it waits for it: nothing refers to a
// model's or a plan's files before all of them are there.
void expire_files(State& s) {
  const Milliseconds grace(s.config.file_grace_ms);
  if (s.now.steady - s.last_part <= grace) return;
  std::vector<Digest> expired;
  for (const auto& [digest, file] : s.files) {
    const bool old = s.now.steady - file->used > grace;
    if (old && !is_referred_to(s, digest)) expired.push_back(digest);
  }
  for (const Digest& digest : expired) delete_file(s, digest);
}

void restore_files(State& s, const Restored& restored) {
  for (const auto& [digest, found] : restored.files) {
    if (found.record.bytes == 0) {  // parts whose record is lost
      delete_file(s, digest);
      continue;
    }
    auto file = std::make_unique<File>();
    file->record = found.record;
    file->parts = found.parts;
    file->used = s.now.steady;
    File& here = *s.files.emplace(digest, std::move(file)).first->second;
    hash_stored_parts(s, digest, here);
  }
}

}  // namespace hyps::hub
