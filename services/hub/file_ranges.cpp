#include "services/hub/file_ranges.hpp"

#include <algorithm>

#include "services/hub/files.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/rot.hpp"

namespace hyps::hub {

namespace {

using protocol::kPartBytes;

struct Reading {
  Digest file;
  std::uint64_t next = 0;
  std::uint64_t end = 0;
  std::string bytes;
  std::function<void(const Result<Blob>&)> then;
};

void read_on(State& s, const std::shared_ptr<Reading>& reading);

void on_read(State& s, const std::shared_ptr<Reading>& reading, const Result<Blob>& part) {
  const std::uint64_t begin = reading->next % kPartBytes;
  const std::uint64_t wanted = std::min(kPartBytes - begin, reading->end - reading->next);
  Status status;
  if (!part.ok()) status = part.error();
  if (part.ok() && part->size() < begin + wanted) {
    status = Error{ErrorKind::corrupt, "a part of the file is too short"};
  }
  if (!status.ok()) {
    on_part_unreadable(s, reading->file, status.error());
    return reading->then(status.error());
  }
  reading->bytes += part->text().substr(begin, wanted);
  reading->next += wanted;
  read_on(s, reading);
}

void read_on(State& s, const std::shared_ptr<Reading>& reading) {
  if (reading->next >= reading->end) return reading->then(Blob::of(std::move(reading->bytes)));
  const auto file = s.files.find(reading->file);
  if (file == s.files.end() || !file->second->record.verified ||
      reading->end > file->second->record.bytes) {
    return reading->then(Error{ErrorKind::not_found, "the file is not stored whole"});
  }
  s.read(file_part_key(reading->file, reading->next / kPartBytes * kPartBytes),
         [&s, reading](const Result<Blob>& part) { on_read(s, reading, part); });
}

}  // namespace

void read_range(State& s, const Digest& file, std::uint64_t begin, std::uint64_t end,
                std::function<void(const Result<Blob>&)> then) {
  read_on(s, std::make_shared<Reading>(Reading{file, begin, end, {}, std::move(then)}));
}

}  // namespace hyps::hub
