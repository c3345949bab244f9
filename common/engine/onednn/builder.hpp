// Builder: turns a program into steps and a memory plan. Kernels (conv.cpp, pool.cpp, ...) ask it
// where values are, and give it primitives over buffers.
#pragma once

#include <dnnl.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/cnn/graph.hpp"
#include "common/engine/joins.hpp"
#include "common/engine/onednn/constants.hpp"
#include "common/engine/onednn/layout.hpp"
#include "common/engine/onednn/step.hpp"

namespace hyps::engine {

// A float32 value in memory.
struct Place {
  BufferId buffer = 0;
  Desc desc;
  std::size_t offset = 0;  // bytes; not 0 where it was joined with others (joins.hpp)
};

// Part of a buffer, as an argument of a primitive.
struct Operand {
  int argument = 0;  // DNNL_ARG_...
  BufferId buffer = 0;
  std::size_t offset = 0;  // bytes
  Desc desc;
};
inline Operand whole_of(int argument, const Place& place) {
  return {argument, place.buffer, place.offset, place.desc};
}
// `offset` bytes into the place.
inline Operand part_of(int argument, const Place& place, std::size_t offset, const Desc& desc) {
  return {argument, place.buffer, place.offset + offset, desc};
}

struct PieceDraft {
  dnnl::primitive primitive;
  std::vector<Operand> operands;
  Desc scratchpad;  // empty if none is needed
  // Mostly reading weights: a batch runs it for one image after another while they are in the
  // cache.
  bool shares_weights = false;
};

// What a buffer is: memory of the arena, an input or an output of the run, or a constant.
struct Buffer {
  enum class Kind { arena, input, output, constant };
  Kind kind = Kind::arena;
  std::size_t bytes = 0;
  std::size_t first = 0;  // steps between which it must keep its content
  std::size_t last = 0;
  bool used = false;
  bool shared = false;       // by values that were joined
  std::size_t input = 0;     // Kind::input: which one
  std::size_t constant = 0;  // Kind::constant: its number
};

// Where a primitive's memory object points: set when addresses are known.
struct Binding {
  dnnl::memory memory;
  BufferId buffer = 0;
  std::size_t offset = 0;
};

class Builder {
 public:
  // Borrows the graph and the constants.
  Builder(const cnn::Graph& graph, const dnnl::engine& engine, int lanes, Joins joins,
          Constants& constants);

  [[nodiscard]] const cnn::Graph& graph() const { return graph_; }
  [[nodiscard]] const dnnl::engine& engine() const { return engine_; }
  [[nodiscard]] const cnn::Shape& shape(const std::string& value) const;
  [[nodiscard]] cnn::Value value(const std::string& name) const;
  [[nodiscard]] bool is_floats(const std::string& value) const;

  // Where a value (or weight) is now, in whatever layout it was left.
  Place place(const std::string& value);
  // The value in this layout; adds a reorder if it is not there in it yet.
  Place place_as(const std::string& value, const Desc& desc);
  Place place_plain(const std::string& value);
  // The bytes of a value of any type, row-major.
  BufferId bytes_of(const std::string& value);

  // A new value: in new memory or in that of the value it is joined into; or where another lies (a
  // view, a sum in place).
  Place define(const std::string& value, const Desc& desc);
  void define_at(const std::string& value, const Place& place);
  BufferId define_bytes(const std::string& value);
  [[nodiscard]] bool is_defined(const std::string& value) const;
  // True if the buffer is the arena's and no other value's, so that a dead value in it may be
  // overwritten.
  [[nodiscard]] bool is_writable(BufferId buffer) const;

  BufferId constant(std::span<const float> values);
  // Weights in the layout a primitive wants, times `factor`. Large ones that are in it already stay
  // where they are: the Blob is kept instead of a copy. REQUIRES: source covers `have`.
  BufferId packed(const Blob& source, const Desc& have, const Desc& want, float factor = 1);
  BufferId packed_copy(const float* source, const Desc& have, const Desc& want, float factor = 1);
  // Weights that are computed first, where they are not packed already.
  BufferId packed_of(const std::function<std::vector<float>()>& compute, const Desc& have,
                     const Desc& want);

  // What copies one layout to another.
  [[nodiscard]] PieceDraft reorder(const Place& from, const Place& to) const;
  void add(const std::vector<PieceDraft>& pieces);
  void add(std::unique_ptr<Step> step, std::span<const BufferId> buffers);
  // Outputs of the graph as plain bytes that live to the end.
  void keep_outputs();

  // The node that steps are being added for.
  std::string label;

  // The result, for the executable to take over.
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<Buffer> buffers;
  std::vector<Binding> bindings;
  std::vector<BufferId> outputs;

 private:
  BufferId new_buffer(std::size_t bytes);
  BufferId constant_bytes(std::span<const std::byte> bytes);
  BufferId constant_buffer(std::size_t number, std::size_t bytes);
  void pack(const float* source, const Desc& have, std::byte* to, const Desc& want, float factor);
  void touch(BufferId buffer);
  Place copy_of(const std::string& value, const Desc& desc);  // in memory of its own
  std::optional<Place> place_in_whole(const std::string& value, const Desc& desc);
  PrimitiveStep::Arguments bind(const PieceDraft& draft, BufferId scratch, std::size_t offset);
  [[nodiscard]] PrimitiveStep::Piece piece_of(const PieceDraft& draft, std::size_t call) const;

  const cnn::Graph& graph_;
  const dnnl::engine& engine_;
  const int lanes_;
  const Joins joins_;
  Constants& constants_;
  std::map<std::string, std::vector<Place>> places_;  // every layout a value is there in
  std::map<std::string, BufferId> bytes_;             // values that are not float32
};

}  // namespace hyps::engine
