// Short texts about a plan that table and picture share (private to this folder).
#pragma once

#include <string>
#include <vector>

#include "common/partition/plan.hpp"

namespace hyps::partition {

std::string threshold_label(const Threshold& threshold);  // "30.00 M parameters", "none"
// "conv1_1 … pool5 (18)", or shorter where that is wider than `width` code points.
std::string layers_label(const Partition& partition, std::size_t width);
std::int64_t bytes_of(const std::vector<cnn::Value>& values);
std::string edge_label(const std::vector<cnn::Value>& values);  // "12.2 MB"; "-" for @image

// Names end up in JSON, tables and pictures: 1 to 1024 bytes of UTF-8 without control characters.
bool is_printable(const std::string& text);
// The text, with every byte that is not ASCII or a control character as "?" where it is not that.
std::string made_printable(const std::string& text);

std::size_t displayed_width(const std::string& text);  // code points
// Cut to `width` code points, the last one "…" where something was cut off.
std::string shortened(const std::string& text, std::size_t width);

}  // namespace hyps::partition
