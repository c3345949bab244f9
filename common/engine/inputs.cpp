#include "common/engine/inputs.hpp"

#include <fmt/format.h>

namespace hyps::engine {

Status check_inputs(const std::vector<cnn::Value>& wanted, const std::vector<cnn::Tensor>& given) {
  if (wanted.size() != given.size()) {
    return Error{ErrorKind::invalid, fmt::format("the graph takes {} inputs, {} were given",
                                                 wanted.size(), given.size())};
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& value = wanted[i];
    const auto& tensor = given[i];
    if (tensor.type != value.type || tensor.shape != value.shape) {
      return Error{ErrorKind::invalid,
                   fmt::format("input '{}' must be {} {}, not {} {}", value.name,
                               to_string(value.type), cnn::to_string(value.shape),
                               to_string(tensor.type), cnn::to_string(tensor.shape))};
    }
    if (tensor.data.size() != static_cast<std::size_t>(value.bytes())) {
      return Error{ErrorKind::invalid, fmt::format("input '{}' must hold {} bytes, not {}",
                                                   value.name, value.bytes(), tensor.data.size())};
    }
  }
  return {};
}

}  // namespace hyps::engine
