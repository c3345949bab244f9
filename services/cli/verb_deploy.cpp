// hyps deploy, hyps remove: models in and out of a cluster.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <thread>

#include "common/base/file.hpp"
#include "common/onnx/onnx.hpp"
#include "common/runtime/event_loop.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/client.hpp"
#include "services/cli/known_images.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/progress.hpp"
#include "services/manager/given_inputs.hpp"

namespace hyps::cli {

namespace {

using Files = std::vector<std::pair<std::filesystem::path, std::string>>;

struct Options {
  ModelFiles files;
  CutOptions cut;
  std::string name;
  partition::Replication replication{partition::Replication::Mode::majority, 1, 0};
  std::string replica_mode = "majority";
  std::vector<std::string> known;  // images
  int timeout_s = 120;
  bool no_wait = false;
};

// The model's own files, and its labels and preprocessing as the cluster knows them.
Result<Files> files_of(const Model& model, const std::filesystem::path& scratch) {
  Files files{{model.file, "model.onnx"}};
  HYPS_TRY(const auto weights, onnx::external_files(model.file));
  for (const std::string& name : weights) files.emplace_back(model.file.parent_path() / name, name);
  HYPS_CHECK(write_file(scratch / "preprocess.yaml", image::to_yaml(model.preprocess)));
  files.emplace_back(scratch / "preprocess.yaml", "preprocess.yaml");
  if (!model.given.empty()) {
    HYPS_TRY(const auto names, manager::write_given_inputs(model.given, scratch));
    for (const std::string& name : names) files.emplace_back(scratch / name, name);
  }
  if (!model.labels_text.empty()) {
    HYPS_CHECK(write_file(scratch / "labels.txt", model.labels_text));
    files.emplace_back(scratch / "labels.txt", "labels.txt");
  }
  return files;
}

// Images whose answers are computed here, for spot checks.
Status add_known(const Model& model, const std::vector<std::string>& images,
                 const std::filesystem::path& scratch, Files& files) {
  if (images.size() > kMaxKnownImages) {
    return Error{ErrorKind::invalid, fmt::format("at most {} --known images", kMaxKnownImages)};
  }
  const auto engine = engine::make_onednn_engine(0);
  for (std::size_t i = 0; i < images.size(); ++i) {
    auto maps = known_maps(model, images[i], *engine);
    if (!maps) return maps.error().about(images[i]);
    const std::string name = fmt::format("known-{}", i);
    HYPS_CHECK(write_file(scratch / (name + ".maps"), *maps));
    files.emplace_back(images[i], name + ".image");
    files.emplace_back(scratch / (name + ".maps"), name + ".maps");
  }
  return {};
}

// Waits until the model is ready. A model that waits for something says for what.
Result<int> wait_until_ready(Client& client, const std::string& name, int timeout_s) {
  Progress progress("planning " + name);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  std::string problem = "no manager has answered yet";
  while (std::chrono::steady_clock::now() < deadline && !runtime::stop_requested().load()) {
    HYPS_TRY(const auto model, client.query("model", name));
    const std::string state = model.value("state", "");
    if (!model.value("problem", "").empty()) problem = model.value("problem", "");
    if (state == "failed") return Error{ErrorKind::invalid, name + ": " + problem};
    if (state == "ready") {
      fmt::print("{} is ready: {} partitions; publish images to hyps/{}/input\n", name,
                 model.value("partitions", 0), name);
      return kOk;
    }
    progress.note(problem);
    std::this_thread::sleep_for(Milliseconds(200));
  }
  return Error{ErrorKind::overloaded, fmt::format("{} is deployed but not ready after {} s: {}",
                                                  name, timeout_s, problem)};
}

// What the options ask for; a quorum that is not given is the smallest one that is a majority.
Result<partition::Replication> replication_of(const Options& options) {
  using Mode = partition::Replication::Mode;
  partition::Replication replication = options.replication;
  for (const Mode mode : {Mode::majority, Mode::first, Mode::standby}) {
    if (options.replica_mode == partition::to_string(mode)) replication.mode = mode;
  }
  if (replication.quorum == 0) {
    replication.quorum = replication.mode == Mode::standby ? 1 : replication.replicas / 2 + 1;
  }
  HYPS_CHECK(partition::check(replication));
  return replication;
}

Result<int> deploy(const Cli& cli, const Options& options) {
  HYPS_TRY(const partition::Replication replication, replication_of(options));
  HYPS_TRY(const Model model, load_model(options.files));
  HYPS_CHECK(check_no_payload(model));
  const std::string name = options.name.empty() ? model.name : options.name;
  if (!is_valid_name(name) || protocol::is_reserved(ModelName(name))) {
    return Error{
        ErrorKind::invalid,
        fmt::format("'{}' cannot be a model's name: 1 to 64 of A-Z a-z 0-9 . _ -, and none "
                    "of the reserved words: w m c v hub manager worker client voter status"
                    "{}",
                    name, options.name.empty() ? "; give it one with --name" : "")};
  }
  std::string plan_json;
  if (options.cut.given()) {
    Model named = model;
    named.name = name;
    HYPS_TRY(auto plan, plan_with(named, options.cut));
    if (replication.replicas > 1) partition::replicate(plan, replication);
    plan_json = partition::to_json(plan);
  }
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  const TemporaryFolder scratch("hyps-deploy");
  HYPS_TRY(Files paths, files_of(model, scratch.path()));
  HYPS_CHECK(add_known(model, options.known, scratch.path(), paths));
  HYPS_TRY(const auto references, [&] {
    Progress progress("uploading");
    return client->upload(
        paths, [&](std::uint64_t done, std::uint64_t total) { progress.show(done, total); });
  }());
  HYPS_TRY(const auto reply,
           client->request(protocol::Deploy{
               0, ModelName(name), references, plan_json,
               replication.replicas > 1 ? partition::to_json(replication) : std::string(),
               options.cut.objective}));
  if (options.no_wait) {
    fmt::print("{} is deployed; `hyps get models` tells when it is ready\n", name);
    return kOk;
  }
  return wait_until_ready(*client, name, options.timeout_s);
}

Result<int> remove(const Cli& cli, const std::string& name) {
  HYPS_TRY(const auto client, Client::connect(cli, Milliseconds(5000)));
  HYPS_TRY(const auto reply, client->request(protocol::Remove{0, ModelName(name)}));
  fmt::print("{} is removed\n", name);
  return kOk;
}

}  // namespace

void add_deploy(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = cli.add_verb("deploy", "Install a model on the cluster", false);
  verb->add_option("model", options->files.model, "MODEL.onnx")->required();
  verb->add_option("--name", options->name, "Its name in the cluster [the file's]");
  options->files.add_options(verb);
  options->files.add_input(verb);
  options->cut.add_options(verb, false);
  verb->add_option("--replicas", options->replication.replicas,
                   "Copies of each partition, on different workers")
      ->check(CLI::Range(1, partition::kMaxReplicas))
      ->capture_default_str();
  verb->add_option("--quorum", options->replication.quorum,
                   "Copies that must agree [more than half]");
  verb->add_option("--replica-mode", options->replica_mode,
                   "majority: forward what a quorum agrees on; first: forward the first result, "
                   "check it afterwards; standby: copies take over, they do not vote")
      ->check(CLI::IsMember({"majority", "first", "standby"}))
      ->capture_default_str();
  verb->add_option("--known", options->known,
                   "An image whose answer is computed here and mixed in among the jobs now and "
                   "then, to find workers that lie (repeatable)")
      ->check(existing_path());
  verb->add_option("--timeout", options->timeout_s, "Seconds to wait until it is ready")
      ->capture_default_str();
  verb->add_flag("--no-wait", options->no_wait, "Return as soon as the hub has it");
  verb->callback(
      [&cli, options] { cli.action = [&cli, options] { return deploy(cli, *options); }; });
}

void add_remove(Cli& cli) {
  auto name = std::make_shared<std::string>();
  CLI::App* verb = cli.add_verb("remove", "Remove a model from the cluster", false);
  verb->add_option("model", *name, "Its name")->required();
  verb->callback([&cli, name] { cli.action = [&cli, name] { return remove(cli, *name); }; });
}

}  // namespace hyps::cli
