// Ear: collects what a bus hands over, and waits for it.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/bus/bus.hpp"

namespace hyps::bus::test {

class Ear {
 public:
  using Messages = std::vector<Message>;

  Handlers handlers() {
    return {.message = [this](Message m) { change([&] { messages_.push_back(std::move(m)); }); },
            .connected = [this] { change([&] { ++connected_; }); },
            .disconnected = [this](const std::string&) { change([&] { ++disconnected_; }); }};
  }
  Report report() {
    return [this](std::string_view event, const auto& fields) {
      std::string line(event);
      for (const auto& [key, value] : fields) line.append(" ").append(value);
      change([&] { reports_.push_back(line); });
    };
  }
  bool wait(const std::function<bool(const Messages&)>& done) {
    return wait_for([&] { return done(messages_); });
  }
  bool wait_messages(std::size_t count) {
    return wait_for([&] { return messages_.size() >= count; });
  }
  bool wait_connected(int times = 1) {
    return wait_for([&] { return connected_ >= times; });
  }
  bool wait_disconnected(int times = 1) {
    return wait_for([&] { return disconnected_ >= times; });
  }
  bool wait_report(const std::string& part) {
    return wait_for([&] {
      for (const auto& line : reports_) {
        if (line.find(part) != std::string::npos) return true;
      }
      return false;
    });
  }
  Messages messages() {
    const std::lock_guard lock(mutex_);
    return messages_;
  }

 private:
  void change(const std::function<void()>& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  bool wait_for(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), done);
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  Messages messages_;
  std::vector<std::string> reports_;
  int connected_ = 0;
  int disconnected_ = 0;
};

inline Message text(const std::string& topic, const std::string& payload) {
  return {.topic = topic, .payload = Blob::copy_of(std::string_view(payload))};
}

// Every byte depends on its place, so that nothing may be lost, doubled or moved.
inline std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return bytes;
}

inline Source source_of(std::string bytes) {
  return [bytes = std::move(bytes), at = std::size_t{0}](std::size_t most) mutable {
    if (at == bytes.size()) return std::optional<Blob>();
    const std::size_t size = std::min(most, bytes.size() - at);
    at += size;
    return std::optional(Blob::copy_of(std::string_view(bytes).substr(at - size, size)));
  };
}

}  // namespace hyps::bus::test
