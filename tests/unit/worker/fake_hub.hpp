// The hub's side of an in-memory bus, for the shells: serves files, keeps what else is said.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/bounded_queue.hpp"
#include "common/base/file.hpp"
#include "common/bus/bus.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/protocol/stream.hpp"
#include "common/protocol/topics.hpp"

namespace hyps::testing {

class FakeHub {
 public:
  FakeHub(std::shared_ptr<bus::MemoryBroker> broker, protocol::Peer peer)
      : peer_(std::move(peer)), bus_(bus::make_memory_bus(std::move(broker), "hub")) {
    bus_->subscribe(protocol::outbox(peer_));
    bus_->start({[this](bus::Message message) { inbox_.push(std::move(message)); }, {}, {}});
  }
  ~FakeHub() {
    inbox_.close();
    bus_->stop(0);
  }

  void send(const protocol::Message& message) {
    EXPECT_TRUE(
        bus_->publish({.topic = protocol::inbox(peer_), .payload = protocol::encode(message)})
            .ok());
  }
  void send_tensor(const protocol::TaskKey& task, Epoch epoch, const std::string& tensor,
                   const Blob& data) {
    protocol::StreamWriter writer(++stream_, task, epoch, tensor, data);
    while (auto chunk = writer.next(1000)) send(*chunk);
  }

  // Until the peer is heard and hears us. `T` is its hello: said once when it connects, and again
  // when a hub comes up; so the second one is an answer.
  template <typename T>
  std::optional<T> greet() {
    int hellos = 0;
    for (int i = 0; i < 100; ++i) {
      const auto hello = wait<T>(std::chrono::milliseconds(300));
      if (hello && ++hellos == 2) return hello;
      EXPECT_TRUE(bus_->publish({.topic = protocol::status_topic("hub", "hub"),
                                 .payload = Blob::copy_of(std::string(protocol::kOnline))})
                      .ok());
    }
    return std::nullopt;
  }

  // What the peer says next of this kind; files are served meanwhile, other messages dropped.
  template <typename T>
  std::optional<T> next() {
    auto message = wait<T>(std::chrono::seconds(60));
    if (!message) ADD_FAILURE() << "the peer did not say it in time";
    return message;
  }
  template <typename T>
  std::optional<T> wait(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      while (!messages_.empty()) {
        const protocol::Message message = std::move(messages_.front());
        messages_.pop_front();
        if (const T* found = std::get_if<T>(&message)) return *found;
        serve(message);
      }
      const auto packet = inbox_.pop_until(deadline);
      if (!packet) return std::nullopt;
      protocol::unpack(packet->payload, [this](Result<protocol::Message> message) {
        EXPECT_TRUE(message.ok());
        if (message.ok()) messages_.push_back(std::move(*message));
      });
    }
  }
  // The next whole tensor.
  std::optional<protocol::Arrival> next_tensor() {
    while (auto chunk = next<protocol::Chunk>()) {
      auto arrival = streams_.accept("peer", *chunk, Milliseconds(0));
      EXPECT_TRUE(arrival.ok());
      if (arrival && arrival->has_value()) return std::move(**arrival);
    }
    return std::nullopt;
  }

  void add_file(const Digest& digest, const Blob& content) { files_[digest] = content; }
  protocol::FileRef add_file(const std::filesystem::path& path) {
    const auto content = map_file(path);
    EXPECT_TRUE(content.ok());
    const protocol::FileRef file{path.filename().string(), content->size(),
                                 digest_of(content->bytes())};
    files_[file.digest] = *content;
    return file;
  }
  // What a manager's later hellos are answered with.
  void show(const protocol::Snapshot& snapshot) {
    snapshot_ = snapshot;
    send(snapshot);
  }
  const std::map<Digest, Blob>& files() const { return files_; }

 private:
  void serve(const protocol::Message& message) {
    if (const auto* get = std::get_if<protocol::PartGet>(&message)) serve(*get);
    if (const auto* put = std::get_if<protocol::PartPut>(&message)) store(*put);
    if (std::holds_alternative<protocol::ManagerHello>(message) && snapshot_) send(*snapshot_);
  }
  void serve(const protocol::PartGet& get) {
    const auto file = files_.find(get.file);
    if (file == files_.end()) {
      return send(protocol::Refused{0, get.file, get.offset, "not found", "no such file"});
    }
    const std::size_t size =
        std::min<std::size_t>(protocol::kPartBytes, file->second.size() - get.offset);
    send(protocol::Part{get.file, get.offset, file->second.slice(get.offset, size)});
  }
  void store(const protocol::PartPut& put) {
    std::string& upload = uploads_[put.file];
    upload.resize(put.bytes);
    std::copy(put.data.text().begin(), put.data.text().end(),
              upload.begin() + static_cast<std::ptrdiff_t>(put.offset));
    if (digest_of(upload) == put.file) files_[put.file] = Blob::copy_of(upload);
    send(protocol::PartStored{put.file, put.offset});
  }

  const protocol::Peer peer_;
  BoundedQueue<bus::Message> inbox_{100'000};
  std::deque<protocol::Message> messages_;  // of the packets taken from it
  std::unique_ptr<bus::Bus> bus_;
  std::map<Digest, Blob> files_;
  std::optional<protocol::Snapshot> snapshot_;
  std::map<Digest, std::string> uploads_;
  protocol::StreamReader streams_{1U << 30U, 1U << 30U};
  std::uint64_t stream_ = 0;
};

}  // namespace hyps::testing
