// Two float32 tensors, element by element. Pure.
#pragma once

#include <string>

#include "common/base/blob.hpp"

namespace hyps::voting {

// |a - b| <= atol + rtol * |b|, whichever way round, and both finite: so it does not matter which
// of two is called a.
struct Tolerance {
  double atol = 0;
  double rtol = 0;
};

struct Comparison {
  bool agree = false;
  double largest = 0;  // difference; of finite elements
  std::string text;    // for people: where and how much
};

Comparison compare(const Blob& a, const Blob& b, const Tolerance& tolerance);

}  // namespace hyps::voting
