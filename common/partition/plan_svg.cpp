#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/units.hpp"
#include "common/partition/labels.hpp"
#include "common/partition/plan.hpp"
#include "common/partition/svg_layout.hpp"
#include "common/partition/svg_text.hpp"

namespace hyps::partition {

namespace {

constexpr int kHeaderHeight = 112;
constexpr std::size_t kLegendWorkers = 24;
constexpr std::size_t kLegendColumns = 8;
constexpr std::size_t kLabelWidth = 24;  // code points in a box
constexpr int kLabelRoom = 70;           // pixels of a column gap in which an edge runs straight

class Picture {
 public:
  Picture(const Plan& plan, const std::vector<std::string>& worker_of)
      : plan_(plan), worker_of_(worker_of) {
    std::set<std::string> workers(worker_of.begin(), worker_of.end());
    workers.erase("");
    for (const auto& worker : workers) {
      colours_.emplace(worker, kPalette[colours_.size() % kPalette.size()]);
    }
    const std::size_t shown = std::min(colours_.size(), kLegendWorkers);
    const auto lines = static_cast<int>((shown + kLegendColumns - 1) / kLegendColumns);
    layout_ = layout_of(plan, kHeaderHeight + 22 * lines);
    for (const auto& partition : plan.partitions) {
      most_weights_ = std::max(most_weights_, partition.cost.weight_bytes);
      for (const auto& output : partition.outputs) maker_.emplace(output.name, &partition);
    }
  }

  std::string draw() {
    begin();
    draw_header();
    draw_workers();
    for (std::size_t i = 0; i < layout_.stages.size(); ++i) draw_edge_into(i);
    for (const auto& stage : layout_.stages) draw_stage(stage);
    return std::move(svg_) + "</svg>\n";
  }

 private:
  void begin() {
    svg_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n",
        kPageWidth, layout_.height, escaped(plan_.id().text));
    svg_ +=
        "<style>text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#2b3038}"
        ".h{font-size:19px;font-weight:bold}.b{font-size:13px;font-weight:bold}"
        ".s{font-size:10px;fill:#5d6570}.m{font-size:10px;text-anchor:middle}"
        ".mb{font-size:11px;font-weight:bold;text-anchor:middle}"
        ".w{font-size:11px;font-weight:bold;fill:#ffffff}"
        ".r{font-size:10px;fill:#5d6570;text-anchor:end}"
        ".e{fill:none;stroke:#7d8794;stroke-linecap:round}</style>\n"
        "<defs><marker id=\"arrow\" markerUnits=\"userSpaceOnUse\" markerWidth=\"11\" "
        "markerHeight=\"12\" refX=\"9\" refY=\"6\" orient=\"auto\"><path d=\"M0,0 L11,6 L0,12 z\" "
        "fill=\"#5d6570\"/></marker></defs>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
  }

  void draw_header() {
    std::int64_t parameters = 0;
    for (const auto& p : plan_.partitions) parameters += p.cost.parameters;
    svg_ += text_at(kMargin, 36, "h", "Plan " + plan_.id().text);
    svg_ += text_at(
        kMargin, 56, "s",
        fmt::format("{} partitions · {} parameters · device threshold: {}", plan_.partitions.size(),
                    format_count(parameters), threshold_label(plan_.threshold)));
    const int y = 82;
    int x = kMargin;
    svg_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"60\" height=\"7\" fill=\"#5d6570\"/>\n", x,
                        y - 8);
    svg_ += text_at(x + 68, y, "s", "weights; full width is " + format_bytes(most_weights_));
    x += 290;
    svg_ += fmt::format("<path class=\"e\" stroke-width=\"6\" d=\"M{} {}h50\"/>\n", x, y - 4);
    svg_ += text_at(x + 64, y, "s", "feature map; wider is larger");
    x += 270;
    svg_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"30\" height=\"14\" rx=\"3\" fill=\"#ffffff\" "
        "stroke=\"#2b3038\" stroke-width=\"2.5\"/>\n",
        x, y - 11);
    svg_ += text_at(x + 40, y, "s", "safe zone only: sees the image or the answer");
  }

  void draw_workers() {
    std::size_t i = 0;
    for (const auto& [worker, colour] : colours_) {
      const int x = kMargin + static_cast<int>(i % kLegendColumns) * 148;
      const int y = 96 + static_cast<int>(i / kLegendColumns) * 22;
      svg_ +=
          fmt::format("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{}\"/>\n",
                      x, y, colour.strong);
      const bool last = ++i == kLegendWorkers && colours_.size() > kLegendWorkers;
      const std::string more = fmt::format("and {} more", colours_.size() - i + 1);
      svg_ += text_at(x + 18, y + 10, "s", last ? more : shortened(worker, 19));
      if (last) break;
    }
  }

  [[nodiscard]] std::string worker(std::size_t i) const {
    return i < worker_of_.size() ? worker_of_[i] : std::string();
  }

  void draw_stage(const Stage& stage) {
    for (std::size_t i = 0; i < stage.shown(); ++i) {
      draw_box(stage.first + i, stage.x, stage.box_top(i));
    }
    if (stage.count > stage.shown()) {
      const int y = stage.box_top(stage.shown()) + 6;
      svg_ += text_at(stage.x + kBoxWidth / 2, y, "m",
                      fmt::format("and {} more like these", stage.count - stage.shown()));
    }
  }

  void draw_box(std::size_t index, int x, int y) {
    const Partition& p = plan_.partitions[index];
    const std::string name = worker(index);
    const Colour colour = name.empty() ? kUnassigned : colours_.at(name);
    svg_ += fmt::format("<g><title>{}</title>\n", escaped(tooltip(p, name)));
    svg_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"7\" fill=\"{}\" stroke=\"{}\" "
        "stroke-width=\"{}\"/>\n",
        x, y, kBoxWidth, kBoxHeight, colour.pale, p.safe_zone ? "#2b3038" : colour.strong,
        p.safe_zone ? "2.5" : "1.2");
    svg_ += text_at(x + 10, y + 18, "b", shortened(p.name.text, 12));
    svg_ += text_at(x + kBoxWidth - 10, y + 18, "r", kind_label(p));
    svg_ += text_at(x + 10, y + 34, "t", what_label(p));
    draw_weights(p, x + 10, y + 41, colour);
    svg_ += text_at(x + 10, y + 75, "s", "needs " + format_bytes(p.memory_bytes()));
    if (p.cost.flops > 0) {
      svg_ += text_at(x + kBoxWidth - 10, y + 75, "r", flops_label(p.cost.flops));
    }
    svg_ +=
        fmt::format("<path d=\"M{} {}h{}v12a7 7 0 0 1 -7 7h-{}a7 7 0 0 1 -7 -7z\" fill=\"{}\"/>\n",
                    x, y + kBoxHeight - 19, kBoxWidth, kBoxWidth - 14, colour.strong);
    svg_ += text_at(x + 10, y + kBoxHeight - 6, "w",
                    name.empty() ? "not assigned" : shortened(name, 22));
    svg_ += "</g>\n";
  }

  void draw_weights(const Partition& p, int x, int y, const Colour& colour) {
    const int room = kBoxWidth - 20;
    svg_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"7\" rx=\"2\" fill=\"#ffffff\"/>\n", x, y,
        room);
    if (p.cost.weight_bytes > 0) {
      const double share =
          static_cast<double>(p.cost.weight_bytes) / static_cast<double>(most_weights_);
      svg_ += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"7\" rx=\"2\" fill=\"{}\"/>\n", x, y,
          std::max(1.5, share * room), colour.strong);
    }
    const std::string weights = p.cost.weight_bytes > 0
                                    ? format_bytes(p.cost.weight_bytes) + " weights"
                                    : std::string("no weights");
    svg_ += text_at(x, y + 19, "s", weights);
  }

  static std::string kind_label(const Partition& p) {
    if (is_sibling(p.kind)) {
      return fmt::format("{} {} of {}", p.kind == Kind::tile ? "tile" : "slice", p.slice_index + 1,
                         p.slice_count);
    }
    if (p.kind != Kind::vertical) return "";
    return p.nodes.size() == 0 ? "join" : "vertical";
  }

  static std::string what_label(const Partition& p) {
    switch (p.kind) {
      case Kind::ingest:
        return "image → tensor";
      case Kind::report:
        return "tensor → answer";
      case Kind::vertical:
        return layers_label(p, kLabelWidth);
      case Kind::horizontal:
      case Kind::tile:
        break;
    }
    const std::string range = fmt::format(" [{}, {})", p.slice.begin, p.slice.end);
    return layers_label(p, kLabelWidth - std::min(kLabelWidth / 2, range.size())) + range;
  }

  std::string tooltip(const Partition& p, const std::string& name) const {
    std::string layers;
    for (const auto& layer : p.layers) layers += (layers.empty() ? "" : ", ") + layer;
    return made_printable(fmt::format("{} on {}: {} parameters; in {}, out {}; ", p.name.text,
                                      name.empty() ? "nobody" : name,
                                      format_count(p.cost.parameters), edge_label(p.inputs),
                                      edge_label(p.outputs))) +
           made_printable(shortened(layers, 900));
  }

  // The tensors a stage takes from the stage before it, and those it takes from further back.
  struct Crossing {
    std::vector<cnn::Value> near;
    std::vector<cnn::Value> far;
    std::set<std::string> far_from;
    bool slices = false;
  };
  [[nodiscard]] Crossing crossing_into(std::size_t stage_index) const {
    Crossing crossing;
    const Stage& before = layout_.stages[stage_index - 1];
    const Partition& taker = plan_.partitions[layout_.stages[stage_index].first];
    for (const auto& input : taker.inputs) {
      const auto maker = maker_.find(input.name);
      if (maker == maker_.end()) continue;
      const auto index = static_cast<std::size_t>(maker->second - plan_.partitions.data());
      const bool near = index >= before.first && index < before.first + before.count;
      (near ? crossing.near : crossing.far).push_back(input);
      if (!near) crossing.far_from.insert(maker->second->name.text);
      if (near && is_sibling(maker->second->kind)) crossing.slices = true;
    }
    return crossing;
  }

  void draw_edge_into(std::size_t i) {
    const Stage& to = layout_.stages[i];
    if (i == 0) {
      draw_curves({kMargin + 4, to.middle}, {{kMargin + 4, to.middle}}, to, 2);
      svg_ += text_at(kMargin + kColumnGap / 2, to.middle - 8, "mb", "image");
      return;
    }
    const Stage& from = layout_.stages[i - 1];
    const Crossing crossing = crossing_into(i);
    const double width = crossing.near.empty() ? 1 : line_width(bytes_of(crossing.near));
    std::vector<Point> starts;
    for (std::size_t k = 0; k < from.shown(); ++k) {
      starts.push_back({from.x + kBoxWidth, from.box_top(k) + kBoxHeight / 2});
    }
    // Lines fan out or in beside the label, not through it.
    const bool fans_in = from.row == to.row && from.count > 1;
    const int begin = to.x - kColumnGap;
    const int junction = fans_in ? to.x - kLabelRoom : begin + kLabelRoom;
    int label = begin + kColumnGap / 2 - 2;
    if (to.count > 1) label = begin + kLabelRoom / 2 + 2;
    if (fans_in) label = to.x - kLabelRoom / 2 - 2;
    if (from.row == to.row) {
      draw_curves({junction, to.middle}, starts, to, width);
    } else {
      draw_turn(from, starts, to, width);
    }
    label_edge(crossing, label, to.middle);
  }

  struct Point {
    int x = 0;
    int y = 0;
  };

  // From every start to the junction, and from there to every box.
  void draw_curves(Point junction, const std::vector<Point>& starts, const Stage& to,
                   double width) {
    for (const Point start : starts) {
      const int bend = (start.x + junction.x) / 2;
      path(fmt::format("M{} {}C{} {} {} {} {} {}", start.x, start.y, bend, start.y, bend,
                       junction.y, junction.x, junction.y),
           width, false);
    }
    const int bend = (junction.x + to.x) / 2;
    for (std::size_t k = 0; k < to.shown(); ++k) {
      const int y = to.box_top(k) + kBoxHeight / 2;
      path(fmt::format("M{} {}C{} {} {} {} {} {}", junction.x, junction.y, bend, junction.y, bend,
                       y, to.x - 2, y),
           width, true);
    }
  }

  // Around the end of a row, back to the beginning of the next one.
  void draw_turn(const Stage& from, const std::vector<Point>& starts, const Stage& to,
                 double width) {
    const int right = std::min(from.x + kBoxWidth + 26, kPageWidth - 8);
    const int left = kMargin;
    int row_top = to.middle;
    for (const auto& stage : layout_.stages) {
      if (stage.row == to.row) row_top = std::min(row_top, stage.top);
    }
    const int lane = row_top - kRowGap / 2;
    for (const Point start : starts) {
      path(fmt::format("M{} {}H{}", start.x, start.y, right), width, false);
    }
    path(fmt::format("M{} {}V{}H{}V{}", right, starts.front().y, lane, left, to.middle), width,
         false);
    draw_curves({to.x - kColumnGap + kLabelRoom, to.middle}, {{left, to.middle}}, to, width);
  }

  void path(const std::string& line, double width, bool arrow) {
    svg_ += fmt::format("<path class=\"e\" stroke-width=\"{:.1f}\"{} d=\"{}\"/>\n", width,
                        arrow ? " marker-end=\"url(#arrow)\"" : "", line);
  }

  void label_edge(const Crossing& crossing, int x, int middle) {
    std::string shape = "nothing";
    if (crossing.near.size() == 1) {
      shape = cnn::to_string(crossing.near[0].shape);
    } else if (!crossing.near.empty()) {
      shape = fmt::format("{} {}", crossing.near.size(), crossing.slices ? "slices" : "tensors");
    }
    halo(x, middle - 24, kLabelRoom - 6);
    svg_ += text_at(x, middle - 14, "m", shortened(shape, 17));
    if (!crossing.near.empty()) {
      halo(x, middle + 10, kLabelRoom - 10);
      svg_ += text_at(x, middle + 20, "mb", format_bytes(bytes_of(crossing.near)));
    }
    if (crossing.far.empty()) return;
    std::string from;
    for (const auto& name : crossing.far_from) from += (from.empty() ? "" : ", ") + name;
    halo(x, middle + 24, kLabelRoom - 6);
    svg_ += text_at(x, middle + 34, "m", "+ " + format_bytes(bytes_of(crossing.far)));
    halo(x, middle + 36, kLabelRoom - 6);
    svg_ += text_at(x, middle + 46, "m", shortened("from " + from, 17));
  }

  void halo(int centre, int y, int width) {
    svg_ += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"13\" fill=\"#ffffff\" "
        "fill-opacity=\"0.8\"/>\n",
        centre - width / 2, y, width);
  }

  const Plan& plan_;
  const std::vector<std::string>& worker_of_;
  Layout layout_;
  std::map<std::string, Colour> colours_;
  std::map<std::string, const Partition*> maker_;
  std::int64_t most_weights_ = 0;
  std::string svg_;
};

}  // namespace

std::string to_svg(const Plan& plan, const std::vector<std::string>& worker_of) {
  return Picture(plan, worker_of).draw();
}

}  // namespace hyps::partition
