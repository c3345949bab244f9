// Engine: the port behind which a graph is made to run fast. Two implementations: oneDNN and the
// scalar reference. Promise 2 stands on this port: the same graph on the same input gives the same
// bits on every run, with any number of threads, in any process of the same build and ISA.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"
#include "common/engine/packed_file.hpp"

namespace hyps::engine {

// What an Executable needs of memory. Bytes.
struct Footprint {
  std::size_t weights = 0;        // constants, packed
  std::size_t streamable = 0;     // of them, what need not stay resident
  std::size_t window = 0;         // what is resident of streamed ones at a time, at most
  std::size_t activations = 0;    // during a run, its outputs and scratch included, its inputs not
  std::size_t further_image = 0;  // and as much more for each further image of a batch, at most
};

// A graph ready to run. Not thread-safe: one run at a time; distinct Executables are independent.
class Executable {
 public:
  virtual ~Executable() = default;
  // inputs and outputs in the order of the graph's; shapes are checked (ErrorKind::invalid).
  virtual Result<std::vector<cnn::Tensor>> run(const std::vector<cnn::Tensor>& inputs) = 0;
  // A batch: the inputs of several runs; their outputs in the same order, each the very bits of a
  // run of its own. Fails as a whole. Faster than one run after another where layers are limited by
  // reading their weights: these are read once for all.
  virtual Result<std::vector<std::vector<cnn::Tensor>>> run_many(
      const std::vector<std::vector<cnn::Tensor>>& batch);
  [[nodiscard]] virtual bool gains_from_batches() const { return false; }
  [[nodiscard]] virtual Footprint footprint() const = 0;
  // Of the streamable weights, up to `bytes` stay resident from now on (all, if it is never
  // called); the others are read ahead of their use and given back after it.
  virtual void keep_weights(std::size_t /*bytes*/) {}
  // Begins reading the weights that a run needs first, without waiting.
  virtual void prefetch() {}

  [[nodiscard]] std::size_t resident_bytes() const {
    return footprint().weights + footprint().activations;
  }
};

// Where the packed weights of a graph are kept between processes. None of it: in memory only.
struct Packing {
  std::filesystem::path file;               // packed into it, and used from there; or
  Digest key;                               // (by which PackedFile::open knows it)
  std::shared_ptr<const PackedFile> ready;  // used instead of the graph's, which are not read
};

class Engine {
 public:
  virtual ~Engine() = default;
  // REQUIRES: infer_shapes succeeded on the graph. Weights are copied or packed as needed; the
  // graph (and a file mapped behind it) may go away afterwards unless footprint() counts it.
  // Errors, besides those of the graph: io (the file cannot be written), corrupt (`ready` is of
  // another graph or another version of this code): without them it may go.
  virtual Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph,
                                                      const Packing& packing) = 0;
  Result<std::unique_ptr<Executable>> compile(const cnn::Graph& graph) {
    return compile(graph, {});
  }
  [[nodiscard]] virtual std::string isa() const = 0;  // "avx512_core_vnni", "asimd", "scalar"
  // What packs alike: ISA, library and its version. Part of the key of packed weights.
  [[nodiscard]] virtual std::string packer() const = 0;
};

// `threads` 0: as many as the cgroup's CPU quota and the affinity mask allow.
std::unique_ptr<Engine> make_onednn_engine(int threads);
std::unique_ptr<Engine> make_reference_engine();

// The number of CPUs this process may really use: affinity mask and cgroup (v1 and v2) quota,
// rounded up, at least 1.
int usable_cpus();

}  // namespace hyps::engine
