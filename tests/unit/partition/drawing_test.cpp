// A plan for people: table and picture.
#include <gtest/gtest.h>

#include <sstream>

#include "common/zoo/zoo.hpp"
#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

Plan plan_of(const cnn::Graph& graph, Request request) {
  const auto plan = make_plan(graph, request);
  if (!plan.ok()) ADD_FAILURE() << plan.error().message;
  return plan.ok() ? *plan : Plan{};
}

Plan vgg_plan() {
  Request request;
  request.model_name = "vgg16";
  request.threshold = {Threshold::Unit::parameters, 30'000'000};
  request.min_partitions = 4;
  return plan_of(vgg16_of_zeros(), request);
}

std::vector<std::string> workers_for(const Plan& plan) {
  std::vector<std::string> workers;
  for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
    workers.push_back(i % 5 == 4 ? "" : "worker-" + std::to_string(i % 4));
  }
  return workers;
}

// Every tag that is opened is closed, in order: enough of XML for what to_svg writes.
bool is_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (std::size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const std::size_t end = svg.find('>', at);
    if (end == std::string::npos) return false;
    const std::string tag = svg.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos || tag.empty()) return false;
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  for (std::size_t at = svg.find('&'); at != std::string::npos; at = svg.find('&', at + 1)) {
    const std::string entity = svg.substr(at + 1, svg.find(';', at) - at - 1);
    if (entity != "amp" && entity != "lt" && entity != "gt" && entity != "quot") return false;
  }
  return open.empty();
}

std::size_t code_points(const std::string& line) {
  std::size_t count = 0;
  for (const char c : line) count += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  return count;
}

TEST(Table, fits_a_terminal_of_100_columns_and_adds_up) {
  for (const Plan& plan : {vgg_plan(), plan_of(random_graph(5), [] {
                             Request request;
                             request.model_name = "random";
                             return request;
                           }())}) {
    const std::string table = to_table(plan);
    std::istringstream lines(table);
    std::string line;
    while (std::getline(lines, line)) EXPECT_LE(code_points(line), 100U) << line;
    for (const auto& part : plan.partitions) {
      EXPECT_NE(table.find(part.name.text), std::string::npos);
    }
  }
  EXPECT_NE(to_table(vgg_plan()).find("138.36 M"), std::string::npos) << to_table(vgg_plan());
}

TEST(Svg, is_well_formed_and_names_partitions_and_workers) {
  const Plan plan = vgg_plan();
  const std::string svg = to_svg(plan, workers_for(plan));
  EXPECT_TRUE(is_well_formed(svg));
  for (const auto& part : plan.partitions) {
    EXPECT_NE(svg.find(">" + part.name.text + "<"), std::string::npos);
  }
  for (const std::string text : {"worker-3", "not assigned", "1x512x7x7", "4 slices", "98.0 KB"}) {
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(svg.find("http", svg.find("xmlns") + 40), std::string::npos) << "not self-contained";
}

TEST(Svg, hostile_names_stay_text) {
  Plan plan = vgg_plan();
  plan.partitions[1].layers = {"<script>alert('&')</script>\"", "\xff\x01"};
  plan.partitions[2].name = PartitionName("</svg>");
  std::vector<std::string> workers = workers_for(plan);
  workers[0] = "<b>&\x02\xc0";
  const std::string svg = to_svg(plan, workers);
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_EQ(svg.find("<script"), std::string::npos);
}

TEST(Svg, a_long_plan_wraps_and_a_layer_of_many_slices_stays_small) {
  const auto graph = zoo::make("googlenet", 1);
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  Request request;
  request.model_name = "googlenet";
  request.min_partitions = 30;
  const auto layers = layers_of(*graph);
  request.slices[layers.back().name] = 100;
  const Plan plan = plan_of(*graph, request);
  const std::string svg = to_svg(plan, {});
  EXPECT_TRUE(is_well_formed(svg));
  EXPECT_NE(svg.find("and 94 more like these"), std::string::npos);
  EXPECT_NE(svg.find("width=\"1240\""), std::string::npos);
}

TEST(Svg, a_tensor_needed_further_on_is_written_beside_the_edge) {
  GraphMaker maker(1);
  const std::string x = maker.conv(maker.input("image", {1, 2, 16, 16}), 2, 4, 3, "a");
  const std::string y = maker.conv(maker.conv(x, 4, 4, 3, "b"), 4, 4, 3, "c");
  maker.add("Add", {y, x});
  const cnn::Graph graph = maker.finish();
  Request request;
  request.model_name = "residual";
  request.cut_after = {"a", "b"};
  const Plan plan = plan_of(graph, request);
  const std::string svg = to_svg(plan, {});
  EXPECT_NE(svg.find(">+ 4.0 KB<"), std::string::npos);
  EXPECT_NE(svg.find(">from v01<"), std::string::npos);
}

}  // namespace
}  // namespace hyps::partition::testing
