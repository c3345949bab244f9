// Checks that shape rules share. Each error names the node.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/cnn/operator.hpp"

namespace hyps::cnn::ops {

using Values = Result<std::vector<Value>>;

inline constexpr std::size_t kAny = static_cast<std::size_t>(-1);

struct Arity {
  std::size_t min_inputs = 1;
  std::size_t max_inputs = 1;
  std::size_t max_outputs = 1;
};

// In the order of the alternatives of Attribute.
enum class AttributeKind : std::size_t { integer, real, text, integers, reals, tensor };

struct AttributeRule {
  std::string_view name;
  AttributeKind kind;
};

// Understood, and deliberately refused: "MaxPool 'pool1': <why>".
Error unsupported(const NodeContext& context, const std::string& why);

// The number of inputs and outputs fits, the first min_inputs are given, and every attribute is
// known and of its kind (an attribute nobody reads would silently change what the model means).
Status check_node(const NodeContext& context, const Arity& arity,
                  std::initializer_list<AttributeRule> attributes = {});
// Every given input is float32.
Status check_floats(const NodeContext& context);
Status check_rank(const NodeContext& context, std::size_t input, std::size_t min, std::size_t max);
Status check_shape(const NodeContext& context, std::size_t input, const char* what,
                   const Shape& expected);

// `axis`, counted from the end if negative, in [0, end). REQUIRES: end = the rank, or one more
// where the position after the last axis is allowed.
Result<std::size_t> normal_axis(const NodeContext& context, std::int64_t axis, std::size_t rank,
                                std::size_t end);
Result<std::size_t> normal_axis(const NodeContext& context, std::int64_t axis, std::size_t rank);

// Which axes a list names, each once.
Result<std::vector<bool>> marked_axes(const NodeContext& context,
                                      const std::vector<std::int64_t>& axes, std::size_t rank);

// The constant int64 (or int32) list at an input, or why there is none.
Result<std::vector<std::int64_t>> constant_integers(const NodeContext& context, std::size_t input,
                                                    const char* what);

// One output of this type and shape, refused if too large.
Values one_output(const NodeContext& context, DType type, Shape shape);
// One float32 output with at least one element.
Values one_map(const NodeContext& context, Shape shape);

// The product of extents [begin, end).
std::int64_t extent_product(const Shape& shape, std::size_t begin, std::size_t end);

}  // namespace hyps::cnn::ops
