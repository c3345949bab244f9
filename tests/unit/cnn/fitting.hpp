// Cases whose inputs fit their operator, so that attributes and settings are what is tried.
#pragma once

#include "cases.hpp"

namespace hyps::cnn::testing {

// Mostly small, sometimes an edge of int64 or a little beyond.
std::int64_t any_number(Random& random);
Ints any_numbers(Random& random);

// Replaces inputs, and settings that a random case would hardly hit. REQUIRES: one input or more.
void make_inputs_fit(Random& random, Case& test);

}  // namespace hyps::cnn::testing
