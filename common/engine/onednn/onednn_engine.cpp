#include "common/engine/onednn/onednn_engine.hpp"

#include <fmt/format.h>

#include "common/engine/fusion.hpp"
#include "common/engine/onednn/executable.hpp"
#include "common/engine/onednn/kernels.hpp"
#include "common/engine/onednn/one_thread.hpp"
#include "common/engine/program.hpp"

namespace hyps::engine {
namespace {

// Rises whenever the same graph is packed otherwise than before.
constexpr int kLayoutVersion = 2;

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

// Weights that were packed to a file are needed no more.
void give_back_sources(const cnn::Graph& graph, const Group& group) {
  const auto give_back_of = [&](const Operation& operation) {
    for (const auto& name : operation.inputs) {
      const auto weight = graph.weights.find(name);
      if (weight != graph.weights.end()) give_back(weight->second.data.bytes());
    }
  };
  give_back_of(group.head);
  for (const auto& operation : group.absorbed) give_back_of(operation);
}

class OneDnnEngine : public Engine {
 public:
  explicit OneDnnEngine(const OneDnnOptions& options)
      : options_(options),
        shared_(std::make_shared<Shared>(options.threads > 0 ? options.threads : usable_cpus())),
        engine_(dnnl::engine::kind::cpu, 0) {}

  Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph,
                                              const Packing& packing) override {
    const OneThread one_thread;
    try {
      shared_->arena.trim();  // packing needs memory, and nobody runs
      HYPS_TRY(auto program, lower(graph));
      if (options_.fuse) program = fuse(graph, std::move(program));
      Constants constants(packing);
      Builder builder(graph, engine_, shared_->pool.lanes(), find_joins(graph, program), constants);
      for (const auto& group : program) {
        emit_group(builder, group);
        if (constants.goes_to_file()) give_back_sources(graph, group);
      }
      builder.keep_outputs();
      return std::unique_ptr<Executable>(std::make_unique<OneDnnExecutable>(
          graph, std::move(builder), constants, shared_, options_.after_step));
    } catch (const PackingFailed& failure) {
      return failure.error();
    } catch (const std::exception& error) {
      return translated(error, "compile", graph.name);
    }
  }

  [[nodiscard]] std::string isa() const override { return effective_isa(); }
  [[nodiscard]] std::string packer() const override {
    const auto* version = dnnl::version();
    return fmt::format("{} oneDNN {}.{}.{} layout {}", effective_isa(), version->major,
                       version->minor, version->patch, kLayoutVersion);
  }

 private:
  OneDnnOptions options_;
  std::shared_ptr<Shared> shared_;
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
