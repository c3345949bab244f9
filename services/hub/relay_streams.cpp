#include "services/hub/relay_streams.hpp"

#include <algorithm>
#include <utility>

namespace hyps::hub {

namespace {

class Writer {
 public:
  Writer(const StartRelay& relay, std::shared_ptr<const protocol::Assembly> arriving,
         std::uint64_t stream, RelayStreams::Encode encode)
      : arriving_(std::move(arriving)), encode_(std::move(encode)) {
    head_.stream = stream;
    head_.task = relay.task;
    head_.epoch = relay.epoch;
    head_.tensor = relay.tensor;
    head_.total = arriving_->size();
  }
  [[nodiscard]] bool through() const { return head_.offset == head_.total; }
  [[nodiscard]] bool abandoned() const { return arriving_->abandoned(); }
  // Empty: there is nothing yet.
  Blob next(std::size_t bytes) {
    const std::size_t size =
        std::min<std::size_t>(arriving_->filled() - head_.offset, std::max<std::size_t>(bytes, 1));
    if (size == 0) return {};
    protocol::Chunk chunk = head_;
    chunk.data = protocol::Assembly::part(arriving_, head_.offset, size);
    head_.offset += size;
    return encode_(std::move(chunk));
  }

 private:
  std::shared_ptr<const protocol::Assembly> arriving_;
  RelayStreams::Encode encode_;
  protocol::Chunk head_;
};

}  // namespace

bus::Source RelayStreams::add(const StartRelay& relay,
                              std::shared_ptr<const protocol::Assembly> arriving,
                              std::uint64_t stream, Encode encode,
                              std::function<void(RelayEnded)> ended) {
  auto stopped = std::make_shared<std::atomic<bool>>(false);
  stopped_[relay.id] = stopped;
  auto writer = std::make_shared<Writer>(relay, std::move(arriving), stream, std::move(encode));
  return [id = relay.id, stopped = std::move(stopped), writer = std::move(writer),
          ended = std::move(ended)](std::size_t bytes) -> std::optional<Blob> {
    const bool goes_on = !writer->through() && !stopped->load() && !writer->abandoned();
    if (goes_on) return writer->next(bytes);
    ended({id, writer->through()});
    return std::nullopt;
  };
}

void RelayStreams::stop_all() {
  for (const auto& [id, stopped] : stopped_) stopped->store(true);
  stopped_.clear();
}

void RelayStreams::stop(std::uint64_t id) {
  if (const auto found = stopped_.find(id); found != stopped_.end()) found->second->store(true);
}

}  // namespace hyps::hub
