#include "common/cnn/ops/support/compare.hpp"

#include "common/cnn/ops/support/slicing.hpp"
#include "common/cnn/ops/support/tiling.hpp"

namespace hyps::cnn::ops {

namespace {

template <Comparable what>
Values infer(const NodeContext& context) {
  HYPS_CHECK(check_node(context, {2, 2}));
  HYPS_CHECK(check_same_types(context));
  const bool is_bool = context.inputs[0].type == DType::boolean;
  const bool fits = what == Comparable::anything || is_bool == (what == Comparable::booleans);
  if (!fits) {
    return unsupported(context, std::string("inputs of type ") + to_string(context.inputs[0].type) +
                                    " are not supported");
  }
  HYPS_TRY(Shape shape, broadcast_shape(context));
  return one_output(context, DType::boolean, std::move(shape));
}

auto infer_of(Comparable what) {
  switch (what) {
    case Comparable::numbers:
      return infer<Comparable::numbers>;
    case Comparable::anything:
      return infer<Comparable::anything>;
    case Comparable::booleans:
      return infer<Comparable::booleans>;
  }
  return infer<Comparable::numbers>;
}

}  // namespace

Operator compare_operator(std::string_view type, ReferenceForm reference, Comparable what) {
  return {.type = type,
          .infer = infer_of(what),
          .flops = output_elements,
          .reference = reference,
          .kernel = reference_kernel,
          .slice_axis = no_slice_axis,
          .slice = slice_broadcast,
          .tile = tile_broadcast};
}

}  // namespace hyps::cnn::ops
