// ONNX files written by hand, wire format and all: good, and wrong in one way each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hyps::test {

// Protocol buffers, as far as needed here.
class Proto {
 public:
  Proto& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3U);
    varint(value);
    return *this;
  }
  Proto& bytes(int field, const std::string& value) {
    varint((static_cast<std::uint64_t>(field) << 3U) | 2U);
    varint(value.size());
    text_ += value;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) text_ += static_cast<char>((value & 0x7fU) | 0x80U);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

using Dims = std::vector<std::uint64_t>;

inline std::string value_info(const std::string& name, const Dims& dims) {
  Proto shape;
  for (const std::uint64_t dim : dims) shape.bytes(1, Proto().number(1, dim).text());
  const Proto tensor = Proto().number(1, 1).bytes(2, shape.text());
  return Proto().bytes(1, name).bytes(2, Proto().bytes(1, tensor.text()).text()).text();
}

inline Proto tensor_head(const std::string& name, const Dims& dims) {
  Proto tensor;
  for (const std::uint64_t dim : dims) tensor.number(1, dim);
  return tensor.number(2, 1).bytes(8, name);
}

// A convolution of 4 filters 3×3 over 3 channels, and `op` behind it.
struct SmallModel {
  std::string op = "Relu";
  Dims input = {1, 3, 8, 8};
  bool external = false;  // its weights: weights.bin

  static std::size_t weight_bytes() { return std::size_t{4} * 3 * 3 * 3 * 4; }

  [[nodiscard]] std::string text() const {
    Proto weights = tensor_head("w", {4, 3, 3, 3});
    if (external) {
      weights.bytes(13, Proto().bytes(1, "location").bytes(2, "weights.bin").text());
      weights.number(14, 1);
    } else {
      weights.bytes(9, std::string(weight_bytes(), '\0'));
    }
    const auto node = [](const char* type, const std::vector<std::string>& inputs,
                         const std::string& output) {
      Proto proto;
      for (const auto& in : inputs) proto.bytes(1, in);
      return proto.bytes(2, output).bytes(3, output + "_node").bytes(4, type).text();
    };
    const Proto graph = Proto()
                            .bytes(1, node("Conv", {"x", "w"}, "c"))
                            .bytes(1, node(op.c_str(), {"c"}, "y"))
                            .bytes(2, "small")
                            .bytes(5, weights.text())
                            .bytes(11, value_info("x", input))
                            .bytes(12, value_info("y", {1, 4, 6, 6}));
    return Proto()
        .number(1, 8)
        .bytes(7, graph.text())
        .bytes(8, Proto().bytes(1, "").number(2, 13).text())
        .text();
  }
};

struct BadModel {
  std::string name;
  std::string onnx;
  std::string weights;  // weights.bin; empty: none
  std::string wanted;   // in the message
};

inline std::vector<BadModel> bad_models() {
  const std::string good = SmallModel{}.text();
  return {
      {"text", "this is no network", "", "ONNX"},
      {"empty", "", "", "empty"},
      {"truncated", good.substr(0, good.size() * 6 / 10), "", "ONNX"},
      {"truncated-weights", SmallModel{.external = true}.text(), std::string(100, 'w'),
       "weights.bin"},
      {"missing-weights", SmallModel{.external = true}.text(), "", "weights.bin"},
      {"unsupported", SmallModel{.op = "Einsum"}.text(), "", "Einsum"},
      {"shape", SmallModel{.input = {1, 5, 8, 8}}.text(), "", "c_node"},
  };
}

}  // namespace hyps::test
