#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/base/units.hpp"
#include "common/cnn/limits.hpp"
#include "common/partition/labels.hpp"
#include "common/partition/plan.hpp"

namespace hyps::partition {

namespace {

constexpr std::size_t kColumns = 9;
constexpr std::size_t kLayersColumn = 2;
constexpr std::size_t kTerminalWidth = 100;
constexpr std::size_t kLeastLayersWidth = 12;
constexpr std::size_t kWidestLayers = 40;

using Row = std::array<std::string, kColumns>;

std::string bytes_or_dash(std::int64_t bytes) { return bytes == 0 ? "-" : format_bytes(bytes); }
std::string count_or_dash(std::int64_t count) { return count == 0 ? "-" : format_count(count); }

std::string kind_text(const Partition& partition) {
  std::string text = to_string(partition.kind);
  if (is_sibling(partition.kind)) {
    text = fmt::format("{} {}/{}", partition.kind == Kind::tile ? "tile" : "slice",
                       partition.slice_index + 1, partition.slice_count);
  }
  if (partition.replication.replicas > 1) {
    text += fmt::format(" x{}", partition.replication.replicas);
  }
  return text;
}

Row row_of(const Partition& partition) {
  return {partition.name.text,
          kind_text(partition),
          layers_label(partition, kWidestLayers),
          count_or_dash(partition.cost.parameters),
          bytes_or_dash(partition.cost.weight_bytes),
          bytes_or_dash(partition.memory_bytes()),
          edge_label(partition.inputs),
          edge_label(partition.outputs),
          count_or_dash(partition.cost.flops)};
}

struct Totals {
  cnn::Cost cost;
  const Partition* largest = nullptr;
  std::int64_t moved_bytes = 0;  // every input of every partition
};

Totals totals_of(const Plan& plan) {
  Totals totals;
  for (const auto& p : plan.partitions) {
    totals.cost.parameters = cnn::capped_sum(totals.cost.parameters, p.cost.parameters);
    totals.cost.weight_bytes = cnn::capped_sum(totals.cost.weight_bytes, p.cost.weight_bytes);
    totals.cost.flops = cnn::capped_sum(totals.cost.flops, p.cost.flops);
    if (p.kind != Kind::ingest) {
      totals.moved_bytes = cnn::capped_sum(totals.moved_bytes, bytes_of(p.inputs));
    }
    if (totals.largest == nullptr || p.memory_bytes() > totals.largest->memory_bytes()) {
      totals.largest = &p;
    }
  }
  return totals;
}

std::array<std::size_t, kColumns> widths_of(const std::vector<Row>& rows) {
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      widths[i] = std::max(widths[i], displayed_width(row[i]));
    }
  }
  std::size_t others = 2 * (kColumns - 1);
  for (std::size_t i = 0; i < kColumns; ++i) others += i == kLayersColumn ? 0 : widths[i];
  const std::size_t room = kTerminalWidth > others ? kTerminalWidth - others : 0;
  widths[kLayersColumn] = std::min(widths[kLayersColumn], std::max(room, kLeastLayersWidth));
  return widths;
}

std::string line_of(const Row& row, const std::array<std::size_t, kColumns>& widths) {
  std::string line;
  for (std::size_t i = 0; i < kColumns; ++i) {
    const std::string cell = shortened(row[i], widths[i]);
    const std::string blanks(widths[i] - displayed_width(cell), ' ');
    const bool is_text = i <= kLayersColumn;
    line += (i == 0 ? "" : "  ") + (is_text ? cell + blanks : blanks + cell);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string to_table(const Plan& plan) {
  const Totals totals = totals_of(plan);
  std::vector<Row> rows{
      {"partition", "kind", "layers", "params", "weights", "memory", "in", "out", "flops"}};
  for (const auto& partition : plan.partitions) rows.push_back(row_of(partition));
  rows.push_back({"total", "", fmt::format("{} partitions", plan.partitions.size()),
                  count_or_dash(totals.cost.parameters), bytes_or_dash(totals.cost.weight_bytes),
                  "", "", "", count_or_dash(totals.cost.flops)});
  const auto widths = widths_of(rows);
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    rows[i + 1][kLayersColumn] = layers_label(plan.partitions[i], widths[kLayersColumn]);
  }
  std::string text =
      fmt::format("plan {}, threshold {}{}\n\n", plan.id().text, threshold_label(plan.threshold),
                  plan.objective == Objective::throughput ? ", for throughput" : "");
  for (const Row& row : rows) text += line_of(row, widths);
  if (totals.largest != nullptr) {
    text += fmt::format("\nLargest partition: {}, {}. Moved for one image: {}.\n",
                        totals.largest->name.text, format_bytes(totals.largest->memory_bytes()),
                        format_bytes(totals.moved_bytes));
  }
  return text;
}

}  // namespace hyps::partition
