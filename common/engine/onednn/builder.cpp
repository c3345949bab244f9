#include "common/engine/onednn/builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/engine/arena.hpp"

namespace hyps::engine {
namespace {

// Below this a copy is cheap, and keeping a small part may keep a whole file alive.
constexpr std::size_t kKeepBytes = std::size_t{256} << 10U;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
}

// What a constant is, so that a file of other code's packing is noticed.
constexpr std::uint64_t kPlain = 1;
constexpr std::uint64_t kComputed = 2;

std::uint64_t kind_of(const Desc& have, const Desc& want, float factor) {
  std::vector<std::int64_t> numbers{std::bit_cast<std::int32_t>(factor)};
  append_layout(have, numbers);
  append_layout(want, numbers);
  return checksum_of(std::as_bytes(std::span(numbers)));
}

dnnl::memory unbound(const Desc& desc, const dnnl::engine& engine) {
  return {desc, engine, DNNL_MEMORY_NONE};
}

// Whether both are the same primitive on operands of the same layout, and may share it.
bool same_call(const PieceDraft& a, const PieceDraft& b) {
  const auto same = [](const Operand& x, const Operand& y) {
    return x.argument == y.argument && x.desc == y.desc;
  };
  return a.shares_weights && b.shares_weights && a.scratchpad == b.scratchpad &&
         std::ranges::equal(a.operands, b.operands, same);
}

// As oneDNN names it.
std::string implementation_of(const dnnl::primitive& primitive) {
  const char* name = "";
  dnnl_primitive_desc_query(primitive.get_primitive_desc(), dnnl_query_impl_info_str, 0, &name);
  return name;
}

}  // namespace

Builder::Builder(const cnn::Graph& graph, const dnnl::engine& engine, int lanes, Joins joins,
                 Constants& constants)
    : graph_(graph),
      engine_(engine),
      lanes_(lanes),
      joins_(std::move(joins)),
      constants_(constants) {
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const auto& input = graph.inputs[i];
    Buffer buffer;
    buffer.kind = Buffer::Kind::input;
    buffer.bytes = static_cast<std::size_t>(input.bytes());
    buffer.input = i;
    buffers.push_back(buffer);
    if (input.type == cnn::DType::f32) {
      places_[input.name] = {{i, plain_desc(input.shape)}};
    } else {
      bytes_[input.name] = i;
    }
  }
}

cnn::Value Builder::value(const std::string& name) const {
  if (const auto weight = graph_.weights.find(name); weight != graph_.weights.end()) {
    return {name, weight->second.type, weight->second.shape};
  }
  return graph_.value(name);
}

const cnn::Shape& Builder::shape(const std::string& value) const {
  if (const auto weight = graph_.weights.find(value); weight != graph_.weights.end()) {
    return weight->second.shape;
  }
  return graph_.value(value).shape;
}

bool Builder::is_floats(const std::string& name) const {
  const auto known = value(name);
  return known.type == cnn::DType::f32 && cnn::element_count(known.shape) > 0;
}

BufferId Builder::new_buffer(std::size_t bytes) {
  Buffer buffer;
  buffer.bytes = bytes;
  buffers.push_back(buffer);
  return buffers.size() - 1;
}

void Builder::touch(BufferId id) {
  auto& buffer = buffers[id];
  if (!buffer.used) buffer.first = steps.size();
  buffer.last = steps.size();
  buffer.used = true;
}

BufferId Builder::constant(std::span<const float> values) {
  return constant_bytes(std::as_bytes(values));
}

BufferId Builder::constant_buffer(std::size_t number, std::size_t bytes) {
  const auto id = new_buffer(bytes);
  buffers[id].kind = Buffer::Kind::constant;
  buffers[id].constant = number;
  return id;
}

BufferId Builder::constant_bytes(std::span<const std::byte> bytes) {
  const auto number = constants_.add(kPlain, bytes.size(), [&](std::byte* to) {
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  });
  return constant_buffer(number, bytes.size());
}

BufferId Builder::packed(const Blob& source, const Desc& have, const Desc& want, float factor) {
  if (have != want || factor != 1 || source.size() < kKeepBytes) {
    return packed_copy(reinterpret_cast<const float*>(source.data()), have, want, factor);
  }
  return constant_buffer(constants_.keep(kPlain, source), source.size());
}

BufferId Builder::packed_copy(const float* source, const Desc& have, const Desc& want,
                              float factor) {
  const auto bytes = want.get_size();
  const auto number = constants_.add(kind_of(have, want, factor), bytes,
                                     [&](std::byte* to) { pack(source, have, to, want, factor); });
  return constant_buffer(number, bytes);
}

BufferId Builder::packed_of(const std::function<std::vector<float>()>& compute, const Desc& have,
                            const Desc& want) {
  const auto bytes = want.get_size();
  const auto number = constants_.add(kComputed ^ kind_of(have, want, 1), bytes, [&](std::byte* to) {
    pack(compute().data(), have, to, want, 1);
  });
  return constant_buffer(number, bytes);
}

void Builder::pack(const float* source, const Desc& have, std::byte* to, const Desc& want,
                   float factor) {
  dnnl::primitive_attr attributes;
  if (factor != 1) attributes.set_output_scales(0, {factor});
  dnnl::memory from(have, engine_, const_cast<float*>(source));
  dnnl::memory packed(want, engine_, to);
  dnnl::stream stream(engine_);
  const dnnl::reorder::primitive_desc how(engine_, have, engine_, want, attributes);
  dnnl::reorder(how).execute(stream, from, packed);
  stream.wait();
}

Place Builder::place(const std::string& value) {
  auto& known = places_[value];
  if (known.empty()) {
    const auto& tensor = graph_.weights.at(value);
    known.push_back({constant_bytes(tensor.data.bytes()), plain_desc(tensor.shape)});
  }
  return known.front();
}

Place Builder::place_as(const std::string& value, const Desc& desc) {
  const auto first = place(value);
  auto& known = places_[value];
  const auto same = [&](const Place& place) { return place.desc == desc; };
  if (const auto found = std::ranges::find_if(known, same); found != known.end()) return *found;
  if (is_plain(first.desc) && is_plain(desc)) return {first.buffer, desc, first.offset};
  const auto made = copy_of(value, desc);
  places_[value].push_back(made);
  return made;
}

Place Builder::place_plain(const std::string& value) {
  return place_as(value, plain_desc(shape(value)));
}

Place Builder::copy_of(const std::string& value, const Desc& desc) {
  const auto from = place(value);
  const Place to{new_buffer(desc.get_size()), desc};
  add({reorder(from, to)});
  return to;
}

BufferId Builder::bytes_of(const std::string& value) {
  if (is_floats(value)) {
    const auto place = place_plain(value);
    const bool alone = place.offset == 0 && buffers[place.buffer].bytes == place.desc.get_size();
    return alone ? place.buffer : copy_of(value, place.desc).buffer;
  }
  const auto found = bytes_.find(value);
  if (found != bytes_.end()) return found->second;
  return bytes_[value] = constant_bytes(graph_.weights.at(value).data.bytes());
}

Place Builder::define(const std::string& value, const Desc& desc) {
  auto made = place_in_whole(value, desc);
  if (!made) made = {new_buffer(desc.get_size()), desc};
  places_[value] = {*made};
  return *made;
}

// The first part that is made decides about the layout of the whole; parts of other layouts are
// made elsewhere and copied in at the end.
std::optional<Place> Builder::place_in_whole(const std::string& value, const Desc& desc) {
  const auto join = joins_.find(value);
  if (join == joins_.end()) return std::nullopt;
  const auto& [whole, begin] = join->second;
  const auto layout = is_defined(whole) ? place(whole).desc : with_channels(desc, shape(whole)[1]);
  if (!layout) return std::nullopt;
  const auto slice = channel_slice(*layout, 0, begin, begin + shape(value)[1]);
  if (!slice || slice->desc != desc) return std::nullopt;
  const auto made = is_defined(whole) ? place(whole) : define(whole, *layout);
  buffers[made.buffer].shared = true;
  return Place{made.buffer, desc, made.offset + slice->offset};
}

bool Builder::is_defined(const std::string& value) const {
  const auto known = places_.find(value);
  return known != places_.end() && !known->second.empty();
}

void Builder::define_at(const std::string& value, const Place& place) { places_[value] = {place}; }

BufferId Builder::define_bytes(const std::string& value) {
  if (is_floats(value)) {
    const Place made{new_buffer(static_cast<std::size_t>(graph_.value(value).bytes())),
                     plain_desc(shape(value))};
    define_at(value, made);
    return made.buffer;
  }
  return bytes_[value] = new_buffer(static_cast<std::size_t>(graph_.value(value).bytes()));
}

bool Builder::is_writable(BufferId buffer) const {
  return buffers[buffer].kind == Buffer::Kind::arena && !buffers[buffer].shared;
}

PieceDraft Builder::reorder(const Place& from, const Place& to) const {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc how(engine_, from.desc, engine_, to.desc, attributes);
  return {dnnl::reorder(how),
          {whole_of(DNNL_ARG_FROM, from), whole_of(DNNL_ARG_TO, to)},
          how.scratchpad_desc()};
}

PrimitiveStep::Arguments Builder::bind(const PieceDraft& draft, BufferId scratch,
                                       std::size_t offset) {
  PrimitiveStep::Arguments arguments;
  for (const auto& operand : draft.operands) {
    auto memory = unbound(operand.desc, engine_);
    if (!draft.shares_weights) bindings.push_back({memory, operand.buffer, operand.offset});
    arguments.emplace(operand.argument, memory);
  }
  if (draft.scratchpad.get_size() > 0) {
    auto memory = unbound(draft.scratchpad, engine_);
    bindings.push_back({memory, scratch, offset});
    arguments.emplace(DNNL_ARG_SCRATCHPAD, memory);
  }
  return arguments;
}

PrimitiveStep::Piece Builder::piece_of(const PieceDraft& draft, std::size_t call) const {
  PrimitiveStep::Piece piece{call, {}, {}};
  for (const auto& operand : draft.operands) {
    const auto& buffer = buffers[operand.buffer];
    if (buffer.kind == Buffer::Kind::constant) piece.constants.push_back(buffer.constant);
    if (!draft.shares_weights) continue;
    piece.moving.push_back({operand.argument, operand.buffer, operand.offset});
  }
  return piece;
}

void Builder::add(const std::vector<PieceDraft>& drafts) {
  const auto lanes = static_cast<std::size_t>(drafts.size() > 1 ? lanes_ : 1);
  std::size_t scratch_bytes = 0;
  for (const auto& draft : drafts) {
    scratch_bytes = std::max(scratch_bytes, round_up(draft.scratchpad.get_size()));
    for (const auto& operand : draft.operands) touch(operand.buffer);
  }
  BufferId scratch = 0;
  if (scratch_bytes > 0) {
    scratch = new_buffer(scratch_bytes * lanes);
    touch(scratch);
  }
  std::vector<PrimitiveStep::Call> calls;
  std::vector<const PieceDraft*> shapes;  // of the calls
  std::vector<PrimitiveStep::Piece> pieces;
  for (const auto& draft : drafts) {
    const auto known =
        std::ranges::find_if(shapes, [&](const auto* other) { return same_call(*other, draft); });
    pieces.push_back(piece_of(draft, static_cast<std::size_t>(known - shapes.begin())));
    if (known != shapes.end()) continue;
    shapes.push_back(&draft);
    auto& call = calls.emplace_back(PrimitiveStep::Call{draft.primitive, {}});
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      call.of_lane.push_back(bind(draft, scratch, lane * scratch_bytes));
    }
  }
  steps.push_back(std::make_unique<PrimitiveStep>(engine_, std::move(calls), std::move(pieces),
                                                  static_cast<int>(lanes)));
  steps.back()->label =
      fmt::format("{}: {} x {}", label, drafts.size(), implementation_of(drafts[0].primitive));
}

void Builder::add(std::unique_ptr<Step> step, std::span<const BufferId> used) {
  for (const auto buffer : used) touch(buffer);
  steps.push_back(std::move(step));
  steps.back()->label = label + ": reference";
}

void Builder::keep_outputs() {
  for (const auto& output : graph_.outputs) outputs.push_back(bytes_of(output.name));
  for (const auto buffer : outputs) touch(buffer);
}

}  // namespace hyps::engine
