// Texts, widths and colours of a plan's picture (private to this folder).
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace hyps::partition {

struct Colour {
  const char* strong;  // under white text
  const char* pale;
};
inline constexpr Colour kUnassigned{"#8a8f98", "#f4f5f7"};
inline constexpr std::array<Colour, 10> kPalette{{{"#1f6fb2", "#e3f0fa"},
                                                  {"#b4521a", "#fbeadf"},
                                                  {"#1b7f5c", "#dff4ec"},
                                                  {"#8b3f96", "#f4e4f6"},
                                                  {"#9a6b00", "#faf0d6"},
                                                  {"#b3294e", "#fbe1e8"},
                                                  {"#37749a", "#e2eef5"},
                                                  {"#5b6f1d", "#eff4dc"},
                                                  {"#5a4fb8", "#e9e7f9"},
                                                  {"#6d5345", "#f1eae6"}}};

std::string escaped(const std::string& raw);  // for XML, printable
std::string text_at(int x, int y, const char* style, const std::string& text);
// Wider for larger feature maps: one pixel at 1 KB, one and a half more each time it is eight times
// as large.
double line_width(std::int64_t bytes);
std::string flops_label(std::int64_t flops);  // three digits: "9.44 GFLOP"

}  // namespace hyps::partition
