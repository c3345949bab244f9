#include "common/service/compressor.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/protocol/codec.hpp"
#include "common/protocol/stream.hpp"

namespace hyps::service {

namespace {

compression::Time now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// The slower one, as far as they are known.
double rate_of(double link, double further) {
  return link <= 0 || further <= 0 ? std::max(link, further) : std::min(link, further);
}

}  // namespace

Compressor::Compressor(const std::string& mode, std::function<double()> link_rate)
    : mode_(mode == "on"    ? Mode::on
            : mode == "off" ? Mode::off
                            : Mode::automatic),
      link_rate_(std::move(link_rate)) {}

protocol::Chunk Compressor::choose(compression::Choice& choice, protocol::Chunk chunk,
                                   double link) {
  const compression::Time start = now();
  if (!choice.wants(link, start)) return chunk;
  const std::uint64_t raw = chunk.size();
  protocol::Chunk smaller = protocol::compressed(chunk);
  const compression::Time end = now();
  choice.tried(raw, smaller.data.size(), end - start, link, end);
  return choice.pays() ? smaller : chunk;
}

Compressor::Encoder Compressor::encoder(const protocol::TaskKey& task, const std::string& tensor,
                                        const std::string& peer, double further,
                                        std::function<void(Sent)> sent) {
  if (ways_.size() >= kMaxWays) ways_.clear();  // what was measured of them is measured again
  Way& way = ways_[task.plan.text + "/" + task.partition.text + "/" + tensor + "/" + peer];
  if (way == nullptr) way = std::make_shared<compression::Choice>();
  return [mode = mode_, link_rate = link_rate_, way, further, sent = std::move(sent),
          counted = Sent{}](protocol::Chunk chunk) mutable {
    if (chunk.total < kLeastBytes || chunk.data.empty()) return protocol::encode(std::move(chunk));
    if (mode == Mode::on) chunk = protocol::compressed(std::move(chunk));
    if (mode == Mode::automatic) {
      chunk = choose(*way, std::move(chunk), rate_of(link_rate(), further));
    }
    counted.bytes += chunk.size();
    counted.wire_bytes += chunk.data.size();
    const bool is_last = chunk.offset + chunk.size() == chunk.total;
    if (is_last && sent) sent(counted);
    return protocol::encode(std::move(chunk));
  };
}

}  // namespace hyps::service
