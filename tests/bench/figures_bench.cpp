// The figures of HyPS (Kaboubi et al. 2022) again, on emulated devices behind links with a rate:
// 8 and 9, communication time and feature-map size of VGG16's layers, each a V-partition; 11, the
// same number of V-partitions cut after convolutions and after pools; 12, inference and
// communication time against the number of H-partitions of fc6.
// What is computed varies with whatever else the machine does; what the links bound does not.
#include <cmath>
#include <map>
#include <set>

#include "tests/bench/support/laboratory.hpp"

namespace {

using namespace hyps;
using bench::JobTimes;
using bench::Laboratory;
using bench::request;
using nlohmann::json;

struct Setup {
  bench::Options options;
  bench::Devices devices;
  std::string model = "vgg16";
  std::string layer = "fc6";  // the one cut into slices
  std::vector<int> slices{4, 8, 12, 16, 24, 32, 40, 50};
  std::set<int> figures{8, 9, 11, 12};
};

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

std::int64_t bytes_of(const std::vector<cnn::Value>& values) {
  std::int64_t sum = 0;
  for (const auto& value : values) sum += value.bytes();
  return sum;
}

double median(const bench::Samples& samples) { return bench::summary_of(samples).median; }

// Pearson's, of what is long and what is large.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const auto mean = [](const std::vector<double>& v) {
    double sum = 0;
    for (const double value : v) sum += value;
    return sum / static_cast<double>(v.size());
  };
  const double mx = mean(x);
  const double my = mean(y);
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mx) * (y[i] - my);
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
  }
  return xy / std::sqrt(xx * yy);
}

std::vector<std::string> all_layers(const cnn::Graph& graph) {
  std::vector<std::string> names;
  for (const auto& layer : partition::layers_of(graph)) names.push_back(layer.name);
  names.pop_back();  // nothing is after the last
  return names;
}

// Figure 9: exact, no device needed.
void feature_maps(const cnn::Graph& graph, json& plots) {
  const auto plan = partition::make_plan(graph, request("figure9", all_layers(graph)));
  if (!plan.ok()) bench::fail(plan.error().message);
  json names = json::array();
  std::vector<double> kilobytes;
  std::vector<std::int64_t> bytes;
  for (const auto& part : plan->partitions) {
    if (part.kind != partition::Kind::vertical) continue;
    names.push_back(part.layers.front());
    bytes.push_back(bytes_of(part.outputs));
    kilobytes.push_back(static_cast<double>(bytes.back()) / 1e3);
  }
  const auto largest = std::max_element(bytes.begin(), bytes.end());
  plots.push_back(
      {{"file", "figure-09"},
       {"title", "HyPS figure 9: feature-map size of each V-partition"},
       {"kind", "bars"},
       {"x_label", "V-partition, by its layer"},
       {"y_label", "output, kB"},
       {"x", names},
       {"series", json::array({{{"name", "output"}, {"values", kilobytes}}})},
       {"bytes", bytes},
       {"paper",
        "(assumed) Feature maps are largest after the first convolutions and shrink with depth; a "
        "pool leaves a quarter."},
       {"here",
        fmt::format("Largest: {} bytes after {}; after the last convolution and pool {} and {} "
                    "bytes; the fully connected layers' are {} bytes and less.",
                    *largest,
                    names[static_cast<std::size_t>(largest - bytes.begin())].get<std::string>(),
                    bytes[bytes.size() - 5], bytes[bytes.size() - 4], bytes[bytes.size() - 3])}});
}

// Of one link, in bits per second; 0: none.
double bits_per_second(const std::string& rate) {
  char* unit = nullptr;
  const double number = std::strtod(rate.c_str(), &unit);
  const double times = *unit == 'g' ? 1e9 : *unit == 'm' ? 1e6 : *unit == 'k' ? 1e3 : 1;
  return number * times;
}

// Figure 8.
void communication(Laboratory& lab, const Setup& setup, bench::Report& report, json& plots) {
  lab.deploy(request("layers", all_layers(lab.graph())));
  std::map<std::string, bench::Samples> communicated;
  std::map<std::string, bench::Samples> computed;
  bench::Samples latency;
  for (int round = 0; round < setup.options.rounds; ++round) {
    const JobTimes times = lab.ask("layers");
    latency.push_back(times.latency);
    for (const auto& [name, part] : times.parts) {
      communicated[name].push_back(part.communicated());
      computed[name].push_back(part.computed);
    }
  }
  json names = json::array();
  std::vector<double> ms;
  std::vector<double> compute_ms;
  std::vector<double> megabytes;
  std::vector<double> line_ms;
  const double line = bits_per_second(setup.devices.rate);
  for (const auto& part : lab.plan("layers").partitions) {
    if (part.kind != partition::Kind::vertical) continue;
    names.push_back(part.layers.front());
    ms.push_back(median(communicated[part.name.text]));
    compute_ms.push_back(median(computed[part.name.text]));
    megabytes.push_back(static_cast<double>(bytes_of(part.inputs) + bytes_of(part.outputs)) / 1e6);
    line_ms.push_back(line > 0 ? megabytes.back() * 8e9 / line : 0);
    report.add({.name = fmt::format("figure 8: {}, communication", part.layers.front()),
                .unit = "ms",
                .a = {"communication", communicated[part.name.text]},
                .more = {{"MB_in_and_out", megabytes.back()}, {"compute_ms", compute_ms.back()}}});
  }
  report.add({.name = "figure 8: a job", .unit = "ms", .a = {"latency", latency}});
  const auto longest = std::max_element(ms.begin(), ms.end()) - ms.begin();
  plots.push_back(
      {{"file", "figure-08"},
       {"title", "HyPS figure 8: communication time of each V-partition"},
       {"kind", "bars"},
       {"x_label", "V-partition, by its layer"},
       {"y_label", "ms"},
       {"x", names},
       {"series", json::array({{{"name", "communication"}, {"values", ms}},
                               {{"name", "the line alone"}, {"values", line_ms}},
                               {{"name", "computing"}, {"values", compute_ms}}})},
       {"megabytes", megabytes},
       {"paper",
        "(assumed) The time to communicate follows the size of the feature maps: highest at the "
        "first convolutions, low at the fully connected layers."},
       {"here", fmt::format("Longest {:.0f} ms ({}), last {:.0f} ms ({}); correlation with the "
                            "bytes in and out {:.2f}.",
                            ms[static_cast<std::size_t>(longest)],
                            names[static_cast<std::size_t>(longest)].get<std::string>(), ms.back(),
                            names.back().get<std::string>(), correlation(ms, megabytes))}});
  lab.remove("layers");
}

// Layers right before a pool, or the pools themselves.
std::vector<std::string> stage_ends(const cnn::Graph& graph, bool after_pools) {
  const auto layers = partition::layers_of(graph);
  std::vector<std::string> names;
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (layers[i].pooling) names.push_back(layers[after_pools ? i : i - 1].name);
  }
  return names;
}

struct Split {
  bench::Samples latency;
  bench::Samples inference;
  bench::Samples communication;
  void add(const partition::Plan& plan, const JobTimes& times) {
    double loaded = 0;
    for (const auto& [name, part] : times.parts) loaded += part.loaded;
    latency.push_back(times.latency);
    inference.push_back(bench::critical_compute(plan, times));
    communication.push_back(times.latency - inference.back() - loaded);
  }
};

double crossing_mb(const partition::Plan& plan) {
  std::int64_t sum = 0;
  for (const auto& part : plan.partitions) {
    if (part.kind == partition::Kind::vertical) sum += bytes_of(part.inputs);
  }
  return static_cast<double>(sum) / 1e6;
}

// Figure 11.
void split_points(Laboratory& lab, const Setup& setup, bench::Report& report, json& plots) {
  const std::vector<std::string> conv_cuts = stage_ends(lab.graph(), false);
  const std::vector<std::string> pool_cuts = stage_ends(lab.graph(), true);
  lab.deploy(request("conv", conv_cuts));
  lab.deploy(request("pool", pool_cuts));
  std::map<std::string, Split> splits;
  for (int round = 0; round < setup.options.rounds; ++round) {
    for (const char* name : {"conv", "pool"}) splits[name].add(lab.plan(name), lab.ask(name));
  }
  const Split& conv = splits["conv"];
  const Split& pool = splits["pool"];
  const auto row = [&](const char* what, const bench::Samples& a, const bench::Samples& b) {
    report.add({.name = fmt::format("figure 11: {}, {} V-partitions", what, pool_cuts.size() + 1),
                .unit = "ms",
                .a = {"cut after pools", a},
                .b = bench::Side{"cut after convolutions", b},
                .more = {{"MB_crossing_pools", crossing_mb(lab.plan("pool"))},
                         {"MB_crossing_convolutions", crossing_mb(lab.plan("conv"))}}});
  };
  row("communication", pool.communication, conv.communication);
  row("inference", pool.inference, conv.inference);
  row("latency", pool.latency, conv.latency);
  plots.push_back(
      {{"file", "figure-11"},
       {"title", "HyPS figure 11: split points after convolutions and after pools"},
       {"kind", "stacked"},
       {"x_label", fmt::format("{} V-partitions, cut after", pool_cuts.size() + 1)},
       {"y_label", "ms"},
       {"x", {"convolutions: " + joined(conv_cuts), "pools: " + joined(pool_cuts)}},
       {"series",
        json::array(
            {{{"name", "inference"}, {"values", {median(conv.inference), median(pool.inference)}}},
             {{"name", "communication"},
              {"values", {median(conv.communication), median(pool.communication)}}}})},
       {"paper",
        "(assumed) Split points after pools need less communication than after convolutions, at "
        "the "
        "same inference time."},
       {"here",
        fmt::format("After pools {:.1f} MB cross instead of {:.1f}: communication {:.0f} ms "
                    "instead of {:.0f}, inference {:.0f} ms and {:.0f} ms.",
                    crossing_mb(lab.plan("pool")), crossing_mb(lab.plan("conv")),
                    median(pool.communication), median(conv.communication), median(pool.inference),
                    median(conv.inference))}});
  lab.remove("conv");
  lab.remove("pool");
}

// Figure 12. The layer's own stage, for the rest of the network does not depend on its slices; the
// whole job's times are rows too.
void slices(Laboratory& lab, const Setup& setup, bench::Report& report, json& plots) {
  std::map<std::string, std::vector<double>> curves;
  const auto row = [&](int count, const std::string& what, const bench::Samples& samples) {
    report.add(
        {.name = fmt::format("figure 12: {} in {} H-partitions, {}", setup.layer, count, what),
         .unit = "ms",
         .a = {what, samples}});
    curves[what].push_back(median(samples));
  };
  for (const int count : setup.slices) {
    lab.deploy(request("slices", {"pool5"}, {{setup.layer, count}}));
    Split job;
    Split stage;
    for (int round = 0; round < setup.options.rounds; ++round) {
      const JobTimes times = lab.ask("slices");
      job.add(lab.plan("slices"), times);
      const auto took = bench::stage_of(lab.plan("slices"), times, setup.layer);
      stage.latency.push_back(took.whole);
      stage.inference.push_back(took.computed);
      stage.communication.push_back(took.communicated());
    }
    row(count, "inference", stage.inference);
    row(count, "communication", stage.communication);
    row(count, "both", stage.latency);
    row(count, "inference of the job", job.inference);
    row(count, "communication of the job", job.communication);
    row(count, "latency of the job", job.latency);
    lab.remove("slices");
  }
  const auto series = [&](const std::string& what) {
    return json{{"name", what}, {"values", curves[what]}};
  };
  const auto change = [&](const std::string& what) {
    return fmt::format("{} from {:.0f} to {:.0f} ms", what, curves[what].front(),
                       curves[what].back());
  };
  plots.push_back(
      {{"file", "figure-12"},
       {"title", fmt::format("HyPS figure 12: {} in H-partitions", setup.layer)},
       {"kind", "lines"},
       {"x_label",
        fmt::format("H-partitions of {}, on {} devices", setup.layer, setup.devices.count)},
       {"y_label", "ms"},
       {"x", setup.slices},
       {"series", json::array({series("inference"), series("communication"), series("both")})},
       {"paper",
        "(assumed) Communication grows with the number of H-partitions; with 50 a job takes "
        "about twice as long."},
       {"here",
        fmt::format("From {} to {} H-partitions: {}, {}, {}; of the whole job {}, {} "
                    "(times {:.2f}).",
                    setup.slices.front(), setup.slices.back(), change("inference"),
                    change("communication"), change("both"), change("inference of the job"),
                    change("latency of the job"),
                    curves["latency of the job"].back() / curves["latency of the job"].front())}});
}

void on_devices(const Setup& setup, bench::Report& report, json& plots) {
  const auto asked = [&](int figure) { return setup.figures.contains(figure); };
  if (!asked(8) && !asked(11) && !asked(12)) return;
  bench::Devices devices = setup.devices;
  devices.compression = "off";  // as in the paper
  Laboratory lab(setup.model, devices);
  if (asked(8)) communication(lab, setup, report, plots);
  if (asked(11)) split_points(lab, setup, report, plots);
  if (asked(12)) slices(lab, setup, report, plots);
}

int measure(const Setup& setup) {
  bench::Report report("figures", setup.options);
  json plots = json::array();
  if (setup.figures.contains(9)) feature_maps(bench::zoo_model(setup.model), plots);
  try {
    on_devices(setup, report, plots);
  } catch (const bench::CannotRunHere& why) {
    if (plots.empty()) throw;
    fmt::print(stderr, "figure 9 only: {}\n", why.what());
    report.note("not_run", why.what());
  }
  for (const json& plot : plots) {
    fmt::print("{}\n    paper: {}\n    here:  {}\n", plot.at("title").get<std::string>(),
               plot.at("paper").get<std::string>(), plot.at("here").get<std::string>());
  }
  report.note("plots", plots);
  report.note("devices", {{"count", setup.devices.count},
                          {"cpu", setup.devices.cpu},
                          {"rate", setup.devices.rate},
                          {"memory", setup.devices.memory},
                          {"worker_memory", setup.devices.worker},
                          {"model", setup.model}});
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"HyPS figures 8, 9, 11 and 12 on emulated devices (root)"};
  Setup setup;
  setup.options.rounds = 5;
  setup.options.add_to(app);
  setup.devices.add_to(app);
  app.add_option("--figures", setup.figures, "Which: 8,9,11,12")->delimiter(',');
  app.add_option("--slices", setup.slices, "Figure 12: numbers of H-partitions")->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(setup); });
}
