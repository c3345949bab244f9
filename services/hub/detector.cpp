#include "services/hub/detector.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace hyps::hub {

namespace {

constexpr double kLeastDeviationMs = 100;       // what a quiet minute teaches would be too strict
constexpr Milliseconds kLongestInterval{2000};  // more was an outage, and no rhythm

double ms(Milliseconds time) { return static_cast<double>(time.count()); }

}  // namespace

void Detector::beat(Milliseconds at) {
  at = std::max(at, last_beat_);
  const Milliseconds interval = at - last_beat_;
  if (beating_ && interval > Milliseconds(0) && interval <= kLongestInterval) {
    intervals_.at(next_) = ms(interval);
    next_ = (next_ + 1) % kWindow;
    count_ = std::min(count_ + 1, kWindow);
  }
  beating_ = true;
  last_beat_ = at;
  heard(at);
}

void Detector::heard(Milliseconds at) { last_heard_ = std::max(last_heard_, at); }

void Detector::begin(Milliseconds now) {
  beating_ = false;
  last_heard_ = last_beat_ = now;
}

void Detector::forgive(Milliseconds gap) {
  last_heard_ += gap;
  last_beat_ += gap;
}

double Detector::phi(Milliseconds now, Milliseconds pause) const {
  if (!knows_rhythm()) return 0;
  const std::span seen(intervals_.data(), count_);
  const double n = static_cast<double>(count_);
  const double mean = std::accumulate(seen.begin(), seen.end(), 0.0) / n;
  const double square = std::inner_product(seen.begin(), seen.end(), seen.begin(), 0.0) / n;
  const double deviation =
      std::max(std::sqrt(std::max(0.0, square - mean * mean)), kLeastDeviationMs);
  const double late = (ms(now - last_heard_) - mean - ms(pause)) / deviation;
  const double later = std::erfc(late / std::sqrt(2.0)) / 2;  // the tail of the normal distribution
  constexpr double kLeast = 1e-300;
  return -std::log10(std::max(later, kLeast));
}

bool Detector::is_silent(Milliseconds now, const DetectorOptions& options) const {
  return is_silent_for(now, options.longest) || phi(now, options.pause) > options.phi;
}

}  // namespace hyps::hub
