#include "common/cnn/npy.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

#include "common/cnn/limits.hpp"

namespace hyps::cnn {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMaxHeader = 4096;

Error invalid(const std::string& why) { return {ErrorKind::invalid, "npy file: " + why}; }

struct Sections {
  std::string_view header;
  std::size_t data = 0;  // offset
};

Result<Sections> split(std::string_view file) {
  if (!file.starts_with(kMagic) || file.size() < 10) return invalid("it does not begin like one");
  const int version = static_cast<unsigned char>(file[6]);
  if (version < 1 || version > 3) return invalid("unknown version " + std::to_string(version));
  const std::size_t width = version == 1 ? 2 : 4;
  const std::size_t begin = 8 + width;
  std::size_t length = 0;
  for (std::size_t i = 0; i < width && 8 + i < file.size(); ++i) {
    length |= static_cast<std::size_t>(static_cast<unsigned char>(file[8 + i])) << (8 * i);
  }
  if (length > kMaxHeader)
    return invalid("its header of " + std::to_string(length) + " bytes is too long");
  if (begin + length > file.size()) return invalid("it ends within its header");
  return Sections{file.substr(begin, length), begin + length};
}

// The text after "'key':" in the header's Python dictionary.
Result<std::string_view> field(std::string_view header, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "':";
  const auto at = header.find(quoted);
  if (at == std::string_view::npos) return invalid("its header lacks " + quoted);
  std::string_view rest = header.substr(at + quoted.size());
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

// "(2, 3)", "(4,)", "()".
Result<Shape> parse_shape(std::string_view text) {
  const auto end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) return invalid("unreadable shape");
  text = text.substr(1, end - 1);
  Shape shape;
  while (true) {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',')) text.remove_prefix(1);
    if (text.empty()) return shape;
    std::int64_t extent = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc()) return invalid("unreadable shape");
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    shape.push_back(extent);
  }
}

// How an element is stored: NumPy's name of it, its bytes, and the type it becomes.
struct Stored {
  const char* descr;
  std::size_t width;
  DType type;
};
constexpr std::array<Stored, 6> kStored{{{"<f4", 4, DType::f32},
                                         {"<i8", 8, DType::i64},
                                         {"<i4", 4, DType::i32},
                                         {"|u1", 1, DType::u8},
                                         {"|b1", 1, DType::boolean},
                                         {"<f8", 8, DType::f32}}};

Result<Stored> parse_type(std::string_view text) {
  for (const Stored& stored : kStored) {
    if (text.starts_with("'" + std::string(stored.descr) + "'")) return stored;
  }
  return invalid(
      "type " + std::string(text.substr(0, text.find(','))) +
      " is not supported; save it as little-endian float32, int64, int32, uint8 or bool");
}

// Vectors are aligned for their elements; a slice of a file may not be.
template <typename Element>
std::vector<Element> copy_elements(const Blob& bytes) {
  std::vector<Element> values(bytes.size() / sizeof(Element));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

Tensor make_tensor(const Stored& stored, Shape shape, const Blob& bytes) {
  if (stored.width != size_of(stored.type)) {  // float64 is narrowed
    std::vector<float> narrow;
    for (const double value : copy_elements<double>(bytes)) {
      narrow.push_back(static_cast<float>(value));
    }
    return Tensor::floats(std::move(shape), std::move(narrow));
  }
  if (stored.type == DType::boolean) {  // any byte but 0 is true
    std::vector<std::uint8_t> truths = copy_elements<std::uint8_t>(bytes);
    for (std::uint8_t& truth : truths) truth = truth == 0 ? 0 : 1;
    return {stored.type, std::move(shape), Blob::of(std::move(truths))};
  }
  return {stored.type, std::move(shape), Blob::copy_of(bytes.bytes())};
}

const char* descr_of(DType type) {
  for (const Stored& stored : kStored) {
    if (stored.type == type) return stored.descr;
  }
  return kStored[0].descr;  // there is one of each
}

std::string shape_tuple(const Shape& shape) {
  std::string text = "(";
  for (const std::int64_t extent : shape) text += std::to_string(extent) + ",";
  return text + ")";
}

}  // namespace

Result<Tensor> parse_npy(const Blob& file) {
  HYPS_TRY(const Sections sections, split(file.text()));
  HYPS_TRY(const std::string_view type, field(sections.header, "descr"));
  HYPS_TRY(const Stored stored, parse_type(type));
  HYPS_TRY(const std::string_view order, field(sections.header, "fortran_order"));
  if (!order.starts_with("False")) return invalid("Fortran order is not supported; save a C array");
  HYPS_TRY(const std::string_view tuple, field(sections.header, "shape"));
  HYPS_TRY(Shape shape, parse_shape(tuple));
  if (const auto fault = shape_fault(shape, stored.type); !fault.empty()) return invalid(fault);
  const std::size_t expected = static_cast<std::size_t>(element_count(shape)) * stored.width;
  const std::size_t present = file.size() - sections.data;
  if (present != expected) {
    return invalid("shape " + to_string(shape) + " needs " + std::to_string(expected) +
                   " bytes of data, there are " + std::to_string(present));
  }
  return make_tensor(stored, std::move(shape), file.slice(sections.data, present));
}

std::string to_npy(const Tensor& tensor) {
  std::string header = std::string("{'descr': '") + descr_of(tensor.type) +
                       "', 'fortran_order': False, 'shape': " + shape_tuple(tensor.shape) + ", }";
  constexpr std::size_t kPreamble = 10;
  constexpr std::size_t kAlignment = 64;
  while ((kPreamble + header.size() + 1) % kAlignment != 0) header += ' ';
  header += '\n';
  std::string file(kMagic);
  file += std::string("\x01\x00", 2);
  file += static_cast<char>(header.size() & 0xffU);
  file += static_cast<char>(header.size() >> 8U);
  return file + header + std::string(tensor.data.text());
}

}  // namespace hyps::cnn
