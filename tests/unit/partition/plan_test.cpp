// The plan as a value: JSON, checks, table, picture, digest, and bundles as ONNX files.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/base/file.hpp"
#include "common/onnx/onnx.hpp"
#include "graphs.hpp"

namespace hyps::partition::testing {
namespace {

using Json = nlohmann::ordered_json;

cnn::Graph small_graph(std::uint64_t seed = 1) {
  GraphMaker maker(seed);
  std::string x = maker.input("image", {1, 2, 8, 8});
  const std::string skip = maker.add("Relu", {maker.conv(x, 2, 4, 3, "conv1")});
  x = maker.add("Add", {maker.conv(skip, 4, 4, 3, "conv2"), skip});
  x = maker.pool(x, "pool2");
  x = maker.add("Flatten", {x});
  x = maker.add("Relu", {maker.gemm(x, 64, 30, "fc3")});
  x = maker.gemm(x, 30, 10, "fc4", false);
  maker.add("Softmax", {x});
  return maker.finish();
}

Plan small_plan(const cnn::Graph& graph) {
  Request request;
  request.model_name = "small";
  request.slices = {{"fc3", 3}, {"fc4", 2}};
  request.min_partitions = 3;
  const auto plan = make_plan(graph, request);
  if (!plan.ok()) ADD_FAILURE() << plan.error().message;
  return plan.ok() ? *plan : Plan{};
}

TEST(PlanJson, round_trip_is_exact) {
  const Plan plan = small_plan(small_graph());
  const std::string text = to_json(plan);
  const auto again = plan_from_json(text);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(to_json(*again), text);
  EXPECT_EQ(again->id(), plan.id());
  EXPECT_EQ(again->partitions.size(), plan.partitions.size());
}

TEST(PlanJson, id_is_the_model_and_eight_hex_digits_of_the_content) {
  Plan plan = small_plan(small_graph());
  const std::string id = plan.id().text;
  EXPECT_EQ(id.substr(0, 6), "small@");
  EXPECT_EQ(id.size(), 14U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef", 6), std::string::npos);
  plan.partitions[1].cost.flops += 1;
  EXPECT_NE(plan.id().text, id);
}

TEST(PlanJson, retrained_weights_give_another_id_for_the_same_structure) {
  const cnn::Graph graph = small_graph(1);
  const cnn::Graph retrained = small_graph(2);
  EXPECT_EQ(structure_digest_of(graph), structure_digest_of(retrained));
  EXPECT_EQ(digest_of(graph).high, structure_digest_of(graph));
  EXPECT_NE(digest_of(graph).low, digest_of(retrained).low);
  EXPECT_NE(small_plan(graph).id(), small_plan(retrained).id());
}

// Applies a change to the JSON of a good plan; the error, which must be one.
template <typename Change>
std::string error_after(Change change) {
  Json json = Json::parse(to_json(small_plan(small_graph())));
  change(json);
  const auto plan = plan_from_json(json.dump());
  EXPECT_FALSE(plan.ok());
  return plan.ok() ? "" : plan.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  ADD_FAILURE() << text;
  return false;
}

TEST(PlanJson, the_objective_is_kept_and_latency_goes_without_saying) {
  Plan plan = small_plan(small_graph());
  const PlanId for_latency = plan.id();
  EXPECT_EQ(to_json(plan).find("objective"), std::string::npos);
  plan.objective = Objective::throughput;
  EXPECT_NE(plan.id(), for_latency);
  const auto again = plan_from_json(to_json(plan));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->objective, Objective::throughput);
  EXPECT_TRUE(contains(error_after([](Json& j) { j["objective"] = "beauty"; }), "beauty"));
}

TEST(PlanJson, every_missing_key_is_named) {
  const Json good = Json::parse(to_json(small_plan(small_graph())));
  for (const auto& [key, value] : good.items()) {
    EXPECT_TRUE(contains(error_after([&, &k = key](Json& j) { j.erase(k); }), key));
  }
  for (const auto& [key, value] : good["partitions"][4].items()) {
    const auto error = error_after([&, &k = key](Json& j) { j["partitions"][4].erase(k); });
    EXPECT_TRUE(contains(error, key));
    EXPECT_TRUE(contains(error, "partition 4"));
  }
}

TEST(PlanJson, every_value_of_a_wrong_type_is_refused) {
  const Json good = Json::parse(to_json(small_plan(small_graph())));
  const std::vector<Json> wrong{nullptr,
                                true,
                                -1,
                                1.5,
                                18446744073709551615ULL,
                                "x",
                                Json::array(),
                                Json::object(),
                                Json::array({1, "x"})};
  int refused = 0;
  for (const auto& [key, value] : good["partitions"][4].items()) {
    for (const Json& bad : wrong) {
      if (key == "safe_zone" && bad.is_boolean()) continue;
      if (key == "layers" && bad == Json::array()) continue;
      if (key == "name" && bad == "x") continue;
      error_after([&, &k = key](Json& j) { j["partitions"][4][k] = bad; });
      ++refused;
    }
  }
  EXPECT_GT(refused, 80);
}

TEST(PlanJson, unknown_keys_are_refused_by_name) {
  EXPECT_TRUE(contains(error_after([](Json& j) { j["modle"] = 1; }), "'modle' is no known key"));
  EXPECT_TRUE(contains(error_after([](Json& j) { j["partitions"][1]["safe_zon"] = true; }),
                       "'safe_zon' is no known key"));
}

TEST(PlanJson, a_later_version_is_unsupported) {
  EXPECT_TRUE(contains(error_after([](Json& j) { j["version"] = 2; }), "version 2"));
}

TEST(PlanJson, text_that_is_no_plan_is_refused) {
  for (const std::string text : {"", "{", "[]", "null", "{}", "\xff\xfe", "{\"version\":1e99}"}) {
    const auto plan = plan_from_json(text);
    ASSERT_FALSE(plan.ok()) << text;
    EXPECT_FALSE(plan.error().message.empty());
  }
  EXPECT_TRUE(contains(plan_from_json(std::string(5'000'000, '[')).error().message, "deep"));
  EXPECT_TRUE(contains(plan_from_json(std::string(9'000'000, ' ')).error().message, "bytes"));
}

TEST(PlanJson, random_damage_never_crashes) {
  const std::string good = to_json(small_plan(small_graph()));
  Random random(7);
  int accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = good;
    for (std::uint64_t k = random.below(4); k < 4; ++k) {
      const std::size_t at = random.below(text.size());
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, random.below(40));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(40)));
      }
    }
    const auto plan = plan_from_json(text);
    if (!plan.ok()) continue;
    ++accepted;
    EXPECT_TRUE(check(*plan).ok());
  }
  EXPECT_LT(accepted, 2000);
}

TEST(PlanCheck, edges_must_lead_from_one_earlier_producer_with_the_same_shape) {
  EXPECT_TRUE(contains(error_after([](Json& j) { j["partitions"].erase(2); }), "produced by no"));
  EXPECT_TRUE(contains(error_after([](Json& j) { j["partitions"][1]["name"] = "v02"; }), "twice"));
  EXPECT_TRUE(contains(error_after([](Json& j) { j["partitions"][1]["name"] = "../x"; }), "../x"));
  EXPECT_TRUE(contains(error_after([](Json& j) {
                         j["partitions"][1]["inputs"][0]["shape"] = {1, 2, 8, 9};
                       }),
                       "1x2x8x8"));
  EXPECT_TRUE(
      contains(error_after([](Json& j) { std::swap(j["partitions"][1], j["partitions"][2]); }),
               "produced by no"));
  EXPECT_TRUE(contains(
      error_after([](Json& j) { j["partitions"][2]["outputs"] = j["partitions"][1]["outputs"]; }),
      "before already"));
}

TEST(PlanCheck, a_hand_made_plan_cannot_show_the_image_or_the_answer_to_an_unsafe_worker) {
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    const auto error = error_after([&](Json& j) {
      if (i == 1) j["partitions"][i]["safe_zone"] = false;
      if (i == 0) j["partitions"][j["partitions"].size() - 2]["safe_zone"] = false;
    });
    EXPECT_TRUE(contains(error, "safe_zone must be true"));
  }
}

TEST(PlanCheck, slices_must_tile_the_layer_in_order) {
  const auto slice_of = [](Json& j, std::size_t i) -> Json& {
    std::size_t seen = 0;
    for (auto& part : j["partitions"]) {
      if (part["kind"] == "horizontal" && seen++ == i) return part["slice"];
    }
    return j;
  };
  EXPECT_TRUE(contains(error_after([&](Json& j) { slice_of(j, 1)["index"] = 2; }), "slice"));
  EXPECT_TRUE(contains(error_after([&](Json& j) { slice_of(j, 1)["range"] = {11, 21}; }), "slice"));
  EXPECT_TRUE(contains(error_after([&](Json& j) { slice_of(j, 0)["count"] = 2; }), "slice"));
  EXPECT_TRUE(contains(error_after([&](Json& j) { slice_of(j, 2)["axis"] = 7; }), "slice"));
}

TEST(Extract, a_plan_of_another_graph_is_refused) {
  const Plan plan = small_plan(small_graph());
  const cnn::Graph other = vgg16_of_zeros();
  const auto part = extract(other, plan, plan.partitions[1]);
  ASSERT_FALSE(part.ok());
  EXPECT_TRUE(contains(part.error().message, "another graph"));
}

TEST(Extract, ingest_and_report_have_no_graph) {
  const cnn::Graph graph = small_graph();
  const Plan plan = small_plan(graph);
  EXPECT_FALSE(extract(graph, plan, plan.partitions.front()).ok());
  EXPECT_FALSE(extract(graph, plan, plan.partitions.back()).ok());
}

TEST(Extract, hand_edited_ranges_give_an_error_or_the_planned_shapes_never_a_crash) {
  const cnn::Graph graph = small_graph();
  const Plan good = small_plan(graph);
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    Plan plan = good;
    auto& part = plan.partitions[random.below(plan.partitions.size())];
    switch (random.below(5)) {
      case 0:
        part.nodes = {random.between(-2, 16), random.between(-2, 16)};
        break;
      case 1:
        part.slice = {random.between(-2, 40), random.between(-2, 40)};
        break;
      case 2:
        part.slice_axis = static_cast<int>(random.between(-2, 5));
        break;
      case 3:
        part.inputs.pop_back();
        break;
      default:
        if (part.inputs.size() > 1) std::swap(part.inputs[0], part.inputs[1]);
    }
    const auto sub = extract(graph, plan, part);
    if (!sub.ok()) continue;
    for (std::size_t k = 0; k < part.outputs.size(); ++k) {
      EXPECT_EQ(sub->outputs[k].shape, part.outputs[k].shape);
    }
  }
}

TEST(Extract, slices_in_a_wrong_order_are_refused) {
  const cnn::Graph graph = small_graph();
  Plan plan = small_plan(graph);
  int tried = 0;
  for (auto& part : plan.partitions) {
    if (part.inputs.size() < 2 || part.inputs[0].name.find('#') == std::string::npos) continue;
    std::swap(part.inputs[0], part.inputs[1]);
    EXPECT_TRUE(contains(extract(graph, plan, part).error().message, "out of order"));
    ++tried;
  }
  EXPECT_GT(tried, 0);
}

TEST(Extract, partitions_survive_a_round_trip_through_onnx_files) {
  const TemporaryFolder folder;
  const cnn::Graph graph = small_graph();
  const Plan plan = small_plan(graph);
  for (const auto& part : plan.partitions) {
    if (part.kind == Kind::ingest || part.kind == Kind::report) continue;
    SCOPED_TRACE(part.name.text);
    const auto sub = extract(graph, plan, part);
    ASSERT_TRUE(sub.ok()) << sub.error().message;
    const auto file = folder.path() / part.name.text / "model.onnx";
    std::filesystem::create_directories(file.parent_path());
    const auto saved = onnx::save(*sub, file);
    ASSERT_TRUE(saved.ok()) << saved.error().message;
    const auto loaded = onnx::load(file);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(loaded->nodes.size(), sub->nodes.size());
    std::vector<cnn::Tensor> inputs;
    Random random(1);
    for (const auto& input : part.inputs) {
      std::vector<float> values;
      for (std::int64_t i = 0; i < cnn::element_count(input.shape); ++i) {
        values.push_back(random.uniform(-1, 1));
      }
      inputs.push_back(cnn::Tensor::floats(input.shape, std::move(values)));
    }
    const auto expected = cnn::run_reference(*sub, inputs);
    const auto actual = cnn::run_reference(*loaded, inputs);
    ASSERT_TRUE(expected.ok() && actual.ok());
    for (std::size_t i = 0; i < expected->size(); ++i) {
      EXPECT_EQ((*actual)[i].data, (*expected)[i].data);
    }
  }
}

}  // namespace
}  // namespace hyps::partition::testing
