// The bare primitives of oneDNN for a network, as the limit that the engine is measured against:
// each layer of the lowered and fused program made with format_tag::any where oneDNN takes it,
// post-ops fused, weights packed beforehand, run one after another on oneDNN's own threads. Layers
// whose layouts differ are not joined by reorders: each reads a map that lies as it likes.
#pragma once

#include <dnnl.hpp>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/engine/program.hpp"

namespace hyps::bench {

class BareNetwork {
 public:
  struct Layer {
    std::string name;
    std::string implementation;
    dnnl::primitive primitive;
    std::unordered_map<int, dnnl::memory> arguments;
    double flops = 0;
  };

  // Runs each layer once on the given input while building it, so that all maps hold real numbers.
  // Throws dnnl::error or std::invalid_argument for a kernel that has no primitive here.
  BareNetwork(const cnn::Graph& graph, const cnn::Tensor& input, int threads);

  [[nodiscard]] std::vector<Layer>& layers() { return layers_; }
  void run();
  void run(Layer& layer);
  // What the graph's first output was when it was built, in plain order.
  [[nodiscard]] const std::vector<float>& output() const { return output_; }

 private:
  using Memory = dnnl::memory;
  using Desc = dnnl::memory::desc;

  void add(const engine::Group& group);
  void make(const engine::Group& group, const cnn::ConvKernel& kernel);
  void make(const engine::Group& group, const cnn::PoolKernel& kernel);
  void make(const engine::Group& group, const cnn::MatMulKernel& kernel);
  void make(const engine::Group& group, const cnn::UnaryKernel& kernel);
  void make(const engine::Group& group, const cnn::BinaryKernel& kernel);
  void make(const engine::Group& group, const cnn::AffineKernel& kernel);
  void make(const engine::Group& group, const cnn::ConcatKernel& kernel);
  void make(const engine::Group& group, const cnn::ViewKernel& kernel);
  void make(const engine::Group& group, const cnn::ReferenceKernel& kernel);
  template <typename Kernel>
  void make(const engine::Group& group, const Kernel& kernel);

  template <typename Primitive, typename Form>
  void finish(const engine::Group& group, const Form& form,
              std::unordered_map<int, Memory> arguments, const Memory& result);
  [[nodiscard]] const cnn::Shape& shape(const std::string& value) const;
  Memory map(const std::string& value);                  // as it was left
  Memory map(const std::string& value, const Desc& as);  // reordered, once, if it was not so
  Memory copied(const Memory& from, const Desc& as);
  Memory weights(const engine::Group& group, const cnn::Shape& as, const Desc& packed);
  Memory bias(const engine::Group& group);
  Memory destination(const engine::Group& group, const Desc& desc);

  const cnn::Graph& graph_;
  const int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::map<std::string, Memory> maps_;
  std::vector<Memory> viewed_;  // owners of bytes that are seen under another shape
  std::vector<Layer> layers_;
  std::vector<float> output_;
};

}  // namespace hyps::bench
