// hyps partition: writes every partition as an ONNX bundle, without any cluster.
#include <fmt/format.h>

#include <memory>

#include "common/base/file.hpp"
#include "services/cli/cli.hpp"
#include "services/cli/model_files.hpp"
#include "services/cli/progress.hpp"
#include "services/manager/bundle.hpp"

namespace hyps::cli {

namespace {

struct Options {
  ModelFiles files;
  CutOptions cut;
  std::string folder;
};

Result<int> run(const Options& options) {
  HYPS_TRY(const Model model, load_model(options.files));
  HYPS_CHECK(check_no_payload(model));
  HYPS_TRY(const partition::Plan plan, plan_with(model, options.cut));
  const std::filesystem::path folder = options.folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Error{ErrorKind::io, "cannot create " + folder.string() + ": " + error.message()};
  }
  const manager::BundleInputs inputs{.labels = model.labels_text,
                                     .preprocess = image::to_yaml(model.preprocess)};
  {
    Progress progress("writing");
    for (std::size_t i = 0; i < plan.partitions.size(); ++i) {
      progress.show(i, plan.partitions.size());
      const partition::Partition& part = plan.partitions[i];
      HYPS_CHECK(manager::write_bundle(model.graph, plan, part, inputs, folder / part.name.text));
    }
  }
  HYPS_CHECK(write_file(folder / "plan.json", partition::to_json(plan)));
  fmt::print("{}\nwritten to {}; run it with: hyps run {} --input IMAGE\n",
             partition::to_table(plan), folder.string(), folder.string());
  return kOk;
}

}  // namespace

void add_partition(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      cli.add_verb("partition", "Write each partition of a model as an ONNX file", false);
  verb->add_option("model", options->files.model, "MODEL.onnx")->required();
  verb->add_option("-o,--output", options->folder, "Folder to write to")->required();
  options->files.add_options(verb);
  options->files.add_input(verb);
  options->cut.add_options(verb, false);
  verb->callback([&cli, options] { cli.action = [options] { return run(*options); }; });
}

}  // namespace hyps::cli
