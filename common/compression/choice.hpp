// Choice: whether compression pays for what goes one way: the feature maps of one tensor over one
// link. Decides by what was measured. Pure; not thread-safe. README.md has the rule.
#pragma once

#include <chrono>
#include <cstddef>

namespace hyps::compression {

using Time = std::chrono::nanoseconds;

class Choice {
 public:
  // The gain over the costs at which it begins, and below which it ends.
  static constexpr double kBegins = 1.5;
  static constexpr double kEnds = 1.0;
  // Unless it pays, a try is followed by a pause of so many times what the try took ...
  static constexpr int kTryPause = 100;
  // ... and of this where nothing that a try could find would make it pay.
  static constexpr Time kHopelessPause = std::chrono::seconds(10);

  // Whether the next chunk is to be compressed: it pays, or it is time to find out. `link` carries
  // so many bytes a second; 0: not known, then it does not pay.
  [[nodiscard]] bool wants(double link, Time now) const;
  // What compressing a chunk came to. REQUIRES: raw > 0.
  void tried(std::size_t raw, std::size_t compressed, Time took, double link, Time now);
  // It pays: what was compressed should leave so.
  [[nodiscard]] bool pays() const { return pays_; }
  [[nodiscard]] double ratio() const {
    return ratio_;
  }  // compressed over raw, lately; 1: not known

 private:
  // Over the costs.
  [[nodiscard]] static double gain(double ratio, double link, double cost);

  bool pays_ = false;
  bool known_ = false;
  double ratio_ = 1;
  double cost_ = 0;        // seconds of compressing a byte
  double least_cost_ = 0;  // that was ever seen
  Time last_took_{0};
  Time last_{0};
};

}  // namespace hyps::compression
