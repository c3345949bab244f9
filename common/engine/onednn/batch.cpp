#include "common/engine/onednn/batch.hpp"

#include <algorithm>

namespace hyps::engine {
namespace {

constexpr std::size_t kAlignment = 64;

bool crosses(const Live& live, std::size_t step) { return live.first < step && live.last >= step; }

std::vector<Stretch> stretches_of(const std::vector<bool>& shared) {
  std::vector<Stretch> stretches;
  for (std::size_t step = 0; step < shared.size(); ++step) {
    const bool goes_on = !shared[step] && !stretches.empty() && !stretches.back().shared;
    if (goes_on) {
      ++stretches.back().end;
    } else {
      stretches.push_back({step, step + 1, shared[step], {}, {}});
    }
  }
  return stretches;
}

}  // namespace

BatchPlan plan_batch(const std::vector<bool>& shared, const std::vector<Live>& live) {
  BatchPlan plan;
  plan.stretches = stretches_of(shared);
  for (const Live& buffer : live) {
    const auto carries = [&](const Stretch& stretch) { return crosses(buffer, stretch.end); };
    if (std::none_of(plan.stretches.begin(), plan.stretches.end(), carries)) continue;
    const std::size_t index = plan.carried.size();
    plan.carried.push_back({buffer.buffer, buffer.bytes, plan.image_bytes});
    plan.image_bytes += (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment;
    for (Stretch& stretch : plan.stretches) {
      if (crosses(buffer, stretch.begin)) stretch.in.push_back(index);
      if (crosses(buffer, stretch.end)) stretch.out.push_back(index);
    }
  }
  return plan;
}

}  // namespace hyps::engine
