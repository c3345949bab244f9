#include "services/worker/batching.hpp"

#include <algorithm>

namespace hyps::worker {

namespace {

constexpr double kNews = 0.25;   // the part of a moving mean that the last run makes
constexpr double kMargin = 0.1;  // of the time of single runs: what a batch must save
constexpr int kStaleAfter = 64;  // runs of the other kind

double us_of(Milliseconds time) { return 1000.0 * static_cast<double>(time.count()); }

}  // namespace

bool Batching::Mean::is_stale() const { return runs_since >= kStaleAfter; }

void Batching::note(std::size_t images, std::uint64_t us) {
  if (is_cold_) {
    is_cold_ = false;
    return;
  }
  Mean& mean = images == 1 ? single_ : several_;
  Mean& other = images == 1 ? several_ : single_;
  const double news = mean.is_known() && !mean.is_stale() ? kNews : 1;
  mean.images += news * (static_cast<double>(images) - mean.images);
  mean.us += news * (static_cast<double>(us) - mean.us);
  mean.runs_since = 0;
  ++other.runs_since;
  largest_ = std::max(largest_, images);
}

// A line through both means. What is not known gains nothing.
double Batching::expected_us(std::size_t images) const {
  double each = single_.us;
  if (several_.is_known()) {
    each = std::clamp((several_.us - single_.us) / (several_.images - 1), 0.0, single_.us);
  }
  return single_.us + each * static_cast<double>(images - 1);
}

bool Batching::gains(std::size_t images) const {
  const double alone_us = single_.us * static_cast<double>(images);
  return images <= 2 * largest_ && expected_us(images) <= (1 - kMargin) * alone_us;
}

bool Batching::is_worth_it(std::size_t images) const {
  if (!single_.is_known() || single_.is_stale()) return false;          // measured first
  if (!several_.is_known() || several_.is_stale()) return images == 2;  // tried
  return gains(images);
}

// None that would be in time alone is late for the sake of others. Who is late either way waits
// for no more than a batch that takes the bound by itself: the faster way through all that waits.
std::size_t Batching::size(std::span<const Milliseconds> ages, Milliseconds bound) const {
  const double bound_us = us_of(bound);
  for (std::size_t images = ages.size(); images > 1; --images) {
    if (!is_worth_it(images) || expected_us(images) > bound_us) continue;
    const auto bears_it = [&](Milliseconds age) {
      const bool is_in_time = us_of(age) + expected_us(images) <= bound_us;
      return is_in_time || us_of(age) + expected_us(1) > bound_us;
    };
    if (std::ranges::all_of(ages.first(images), bears_it)) return images;
  }
  return 1;
}

Milliseconds Batching::patience(std::span<const Milliseconds> ages, Milliseconds bound) const {
  if (!is_worth_it(ages.size() + 1)) return Milliseconds(0);
  const double age_us = us_of(*std::ranges::max_element(ages));
  const double left_us = us_of(bound) - age_us - expected_us(ages.size() + 1);
  return Milliseconds(static_cast<std::int64_t>(std::max(left_us, 0.0) / 1000));
}

}  // namespace hyps::worker
