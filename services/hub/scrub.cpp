#include "services/hub/scrub.hpp"

#include "services/hub/files.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/rot.hpp"

namespace hyps::hub {

namespace {

bool can_be_read(const State& s, const Digest& file) {
  const auto at = s.files.find(file);
  return at != s.files.end() && at->second->record.verified;
}

// Goes on with the next file, in the order of digests, and after the last one with the first.
bool choose_file(State& s) {
  Scrub& scrub = s.scrub;
  if (scrub.offset > 0 && can_be_read(s, scrub.file)) return true;
  scrub.offset = 0;
  scrub.digester = {};
  auto at = s.files.upper_bound(scrub.file);
  for (std::size_t i = 0; i < s.files.size(); ++i, ++at) {
    if (at == s.files.end()) at = s.files.begin();
    if (!at->second->record.verified) continue;
    scrub.file = at->first;
    return true;
  }
  return false;
}

void on_read(State& s, const Digest& file, std::uint64_t offset, const Result<Blob>& part) {
  Scrub& scrub = s.scrub;
  scrub.reading = false;
  if (scrub.file != file || scrub.offset != offset || !can_be_read(s, file)) return;
  if (!part.ok()) return on_part_unreadable(s, file, part.error());
  scrub.digester.add(part->bytes());
  scrub.offset += protocol::kPartBytes;
  if (scrub.offset < s.files.at(file)->record.bytes) return;
  scrub.offset = 0;
  if (scrub.digester.result() != file) lose_file(s, file, "its bytes do not give its digest");
}

}  // namespace

void scrub(State& s) {
  const Milliseconds period(s.config.scrub_period_ms);
  if (period.count() == 0 || s.scrub.reading || s.now.steady - s.scrub.last < period) return;
  s.scrub.last = s.now.steady;
  if (!choose_file(s)) return;
  s.scrub.reading = true;
  s.read(file_part_key(s.scrub.file, s.scrub.offset),
         [&s, file = s.scrub.file, offset = s.scrub.offset](const Result<Blob>& part) {
           on_read(s, file, offset, part);
         });
}

}  // namespace hyps::hub
