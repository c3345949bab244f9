#include "common/engine/onednn/weights.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace hyps::engine {

namespace {

constexpr std::ptrdiff_t kNeighbours = 2 << 20;  // a huge page
// Maps pages with one call; older kernels know it not, and map them as they are touched.
constexpr int kPopulateRead = 22;  // MADV_POPULATE_READ

// Whether they lie in one read-only mapping of a file, as /proc tells: "begin-end r--p offset
// device inode path".
bool is_of_file(std::span<const std::byte> bytes) {
  const auto first = reinterpret_cast<std::uintptr_t>(bytes.data());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights;
    std::string offset;
    std::string device;
    std::uint64_t inode = 0;
    words >> std::hex >> begin >> dash >> end >> rights >> offset >> device >> std::dec >> inode;
    if (first < begin || first >= end) continue;
    return bytes.size() <= end - first && rights.starts_with("r-") && inode != 0;
  }
  return false;
}

void advise(std::span<std::byte> pages, int advice) {
  if (!pages.empty()) (void)::madvise(pages.data(), pages.size(), advice);
}

}  // namespace

std::span<std::byte> whole_pages(std::span<const std::byte> bytes) {
  static const auto kPage = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + kPage - 1) / kPage * kPage;
  const auto end = (reinterpret_cast<std::uintptr_t>(bytes.data()) + bytes.size()) / kPage * kPage;
  if (end <= begin) return {};
  return {reinterpret_cast<std::byte*>(begin), end - begin};
}

// MADV_PAGEOUT would do for any memory, but leaves pages that the kernel keeps in huge ones.
void give_back(std::span<const std::byte> bytes) {
  if (is_of_file(bytes)) advise(whole_pages(bytes), MADV_DONTNEED);
}

Weights::Weights(std::vector<Blob> constants, bool mapped, const std::vector<std::size_t>& order)
    : constants_(std::move(constants)), states_(std::make_unique<Constant[]>(constants_.size())) {
  for (const Blob& constant : constants_) bytes_ += constant.size();
  if (!mapped) return;
  for (const std::size_t number : order) {
    Constant& state = states_[number];
    if (state.uses++ > 0) continue;
    state.pages = whole_pages(constants_[number].bytes());
    if (state.pages.empty()) continue;
    streamable_bytes_ += state.pages.size();
    first_uses_.push_back(number);
  }
}

// The file is mapped read-only and private, so dropped pages are read from it again. With a page
// that is touched the kernel maps its neighbours; those between streamed constants are dropped too.
void Weights::drop(std::span<std::byte> pages) const {
  const auto before = std::min<std::ptrdiff_t>(kNeighbours, pages.data() - streamed_begin_);
  const auto* end = pages.data() + pages.size();
  const auto after = std::min<std::ptrdiff_t>(kNeighbours, streamed_end_ - end);
  advise({pages.data() - before, pages.size() + static_cast<std::size_t>(before + after)},
         MADV_DONTNEED);
}

void Weights::keep(std::size_t bytes) {
  streamed_.clear();
  for (const std::size_t number : first_uses_) {
    Constant& state = states_[number];
    state.stays = state.pages.size() <= bytes;
    if (state.stays) {
      bytes -= state.pages.size();
      advise(state.pages, MADV_WILLNEED);
    } else {
      bytes = 0;  // what follows streams too: in the order of the file, far ahead
      streamed_.push_back(number);
      const auto* end = state.pages.data() + state.pages.size();
      streamed_begin_ = streamed_.size() == 1 ? state.pages.data()
                                              : std::min(streamed_begin_, state.pages.data());
      streamed_end_ = streamed_.size() == 1 ? end : std::max(streamed_end_, end);
    }
  }
  for (const std::size_t number : streamed_) drop(states_[number].pages);
}

void Weights::begin(const std::vector<std::size_t>& order) {
  coming_.clear();
  asked_ = asked_bytes_ = used_bytes_ = 0;
  for (const std::size_t number : order) states_[number].uses = 0;
  for (const std::size_t number : order) {
    Constant& state = states_[number];
    if (!state.stays && state.uses++ == 0) coming_.push_back(number);
  }
  for (const std::size_t number : coming_) states_[number].left = states_[number].uses;
}

void Weights::prefetch() {
  const std::lock_guard lock(*mutex_);
  coming_ = streamed_;
  asked_ = asked_bytes_ = used_bytes_ = 0;  // the last run's
  read_ahead(kWindowBytes);
}

void Weights::read_ahead(std::size_t bytes) {
  while (asked_ < coming_.size() && asked_bytes_ < used_bytes_ + bytes) {
    const auto pages = states_[coming_[asked_++]].pages;
    asked_bytes_ += pages.size();
    advise(pages, MADV_WILLNEED);
  }
}

void Weights::before(const std::vector<std::size_t>& numbers) {
  if (streamed_.empty()) return;
  {
    const std::lock_guard lock(*mutex_);
    for (const std::size_t number : numbers) {
      const Constant& state = states_[number];
      if (!state.stays && state.left == state.uses) used_bytes_ += state.pages.size();
    }
    read_ahead(kWindowBytes);
  }
  for (const std::size_t number : numbers) {
    if (!states_[number].stays) advise(states_[number].pages, kPopulateRead);
  }
}

void Weights::after(const std::vector<std::size_t>& numbers) {
  if (streamed_.empty()) return;
  for (const std::size_t number : numbers) {
    Constant& state = states_[number];
    if (!state.stays && --state.left == 0) drop(state.pages);
  }
}

}  // namespace hyps::engine
