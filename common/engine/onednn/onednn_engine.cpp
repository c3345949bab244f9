#include "common/engine/onednn/onednn_engine.hpp"

#include <fmt/format.h>

#include "common/engine/fusion.hpp"
#include "common/engine/onednn/executable.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/one_thread.hpp"
#include "common/engine/program.hpp"

namespace hyps::engine {
namespace {

bool emit_natively(Builder& builder, const Group& group) {
  try {
    return std::visit([&](const auto& kernel) { return emit(builder, group, kernel); },
                      group.head.kernel);
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw;
    return false;  // not implemented for these shapes: the reference form is
  }
}

void emit_group(Builder& builder, const Group& group) {
  builder.label = builder.graph().nodes[group.head.node].name;
  if (emit_natively(builder, group)) return;
  if (group.absorbed.empty()) {
    emit(builder, group, cnn::ReferenceKernel{});
    return;
  }
  emit_group(builder, {group.head, {}, {}, {}});
  for (const auto& operation : group.absorbed) emit_group(builder, {operation, {}, {}, {}});
}

class OneDnnEngine : public Engine {
 public:
  explicit OneDnnEngine(const OneDnnOptions& options)
      : options_(options),
        pool_(std::make_shared<Pool>(options.threads > 0 ? options.threads : usable_cpus())),
        engine_(dnnl::engine::kind::cpu, 0) {}

  Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph) override {
    const OneThread one_thread;
    try {
      HYPS_TRY(auto program, lower(graph));
      if (options_.fuse) program = fuse(graph, std::move(program));
      Builder builder(graph, engine_, pool_->lanes(), find_joins(graph, program));
      for (const auto& group : program) emit_group(builder, group);
      builder.keep_outputs();
      return std::unique_ptr<Executable>(std::make_unique<OneDnnExecutable>(
          graph, std::move(builder), pool_, options_.after_step));
    } catch (const std::exception& error) {
      return translated(error, "compile", graph.name);
    }
  }

  [[nodiscard]] std::string isa() const override { return effective_isa(); }

 private:
  OneDnnOptions options_;
  std::shared_ptr<Pool> pool_;
  dnnl::engine engine_;
};

}  // namespace

std::unique_ptr<Engine> make_onednn_engine(const OneDnnOptions& options) {
  return std::make_unique<OneDnnEngine>(options);
}

std::unique_ptr<Engine> make_onednn_engine(int threads) {
  return make_onednn_engine(OneDnnOptions{threads});
}

}  // namespace hyps::engine
