#include "common/compression/choice.hpp"

#include <algorithm>

namespace hyps::compression {

namespace {

constexpr double kNews = 0.25;  // weight of the latest

double moved(double figure, double news) { return figure + kNews * (news - figure); }

}  // namespace

// Seconds that the link is spared over seconds that the processors take. Who decompresses needs as
// long as who compresses, at most.
double Choice::gain(double ratio, double link, double cost) {
  if (link <= 0 || cost <= 0) return 0;
  return (1 - ratio) / link / (2 * cost);
}

bool Choice::wants(double link, Time now) const {
  if (pays_ || !known_) return true;
  const bool hopeless = link > 0 && gain(0, link, least_cost_) < kBegins;
  const Time pause = std::max(kTryPause * last_took_, hopeless ? kHopelessPause : Time(0));
  return now - last_ >= pause;
}

void Choice::tried(std::size_t raw, std::size_t compressed, Time took, double link, Time now) {
  const auto size = static_cast<double>(raw);
  const double ratio = std::min(1.0, static_cast<double>(compressed) / size);
  const double cost = std::max(1e-12, std::chrono::duration<double>(took).count() / size);
  ratio_ = known_ ? moved(ratio_, ratio) : ratio;
  cost_ = known_ ? moved(cost_, cost) : cost;
  least_cost_ = known_ ? std::min(least_cost_, cost) : cost;
  known_ = true;
  last_took_ = took;
  last_ = now;
  pays_ = gain(ratio_, link, cost_) >= (pays_ ? kEnds : kBegins);
}

}  // namespace hyps::compression
