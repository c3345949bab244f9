// Weights: the constants of an executable while it runs. Those mapped from a file need not be
// resident: some stay, the others are read ahead of their use and given back after it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "common/base/blob.hpp"

namespace hyps::engine {

// The pages that hold nothing but these bytes.
std::span<std::byte> whole_pages(std::span<const std::byte> bytes);

// Of weights that are needed no more, whoever owns them: pages of a file mapped read-only go back
// to it; others stay.
void give_back(std::span<const std::byte> bytes);

class Weights {
 public:
  // What is read ahead, at most, while other weights are used.
  static constexpr std::size_t kWindowBytes = std::size_t{4} << 20U;

  Weights() = default;
  // By number; `mapped`: from a file, so that pages may be dropped. `order`: the numbers as pieces
  // use them in a run, one after another; what is not in it always stays.
  Weights(std::vector<Blob> constants, bool mapped, const std::vector<std::size_t>& order);

  [[nodiscard]] const std::byte* data(std::size_t number) const {
    return constants_[number].data();
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Of them, those that may be given back.
  [[nodiscard]] std::size_t streamable_bytes() const { return streamable_bytes_; }

  // From now on, up to `bytes` of the streamable ones stay, the first that are used.
  void keep(std::size_t bytes);
  // Begins reading what a run needs first.
  void prefetch();

  // Whether any do not stay.
  [[nodiscard]] bool stream() const { return !streamed_.empty(); }
  // Before steps run that use these, one after another: a run, or a part of it that is done once
  // for each image of a batch. What streams is given back after its last use among them.
  void begin(const std::vector<std::size_t>& order);
  // Around each piece's use, thread-safe.
  void before(const std::vector<std::size_t>& numbers);
  void after(const std::vector<std::size_t>& numbers);

 private:
  struct Constant {
    std::span<std::byte> pages;  // whole pages of it alone; empty: always stays
    int uses = 0;                // since begin()
    std::atomic<int> left{0};    // of them
    bool stays = true;
  };
  void read_ahead(std::size_t bytes);
  void drop(std::span<std::byte> pages) const;

  std::vector<Blob> constants_;
  std::size_t bytes_ = 0;
  std::size_t streamable_bytes_ = 0;
  std::byte* streamed_begin_ = nullptr;  // where the streamed ones lie
  const std::byte* streamed_end_ = nullptr;
  std::unique_ptr<Constant[]> states_;
  std::vector<std::size_t> first_uses_;  // numbers of streamable ones, by first use
  std::vector<std::size_t> streamed_;    // of them, those that do not stay
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::vector<std::size_t> coming_;  // streamed ones in the order of their first use
  std::size_t asked_ = 0;            // of coming_, how many were read ahead
  std::size_t asked_bytes_ = 0;
  std::size_t used_bytes_ = 0;  // of what was read ahead
};

}  // namespace hyps::engine
