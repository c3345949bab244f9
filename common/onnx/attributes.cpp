#include "common/onnx/attributes.hpp"

#include <fmt/format.h>

namespace hyps::onnx {

namespace {

using ::onnx::AttributeProto;

Error refused(const AttributeProto& proto) {
  const std::string kind = AttributeProto::AttributeType_Name(proto.type());
  if (proto.type() == AttributeProto::GRAPH || proto.type() == AttributeProto::GRAPHS) {
    return {
        ErrorKind::unsupported,
        fmt::format("attribute '{}' is a subgraph; control flow is not supported", proto.name())};
  }
  if (proto.type() == AttributeProto::UNDEFINED) {
    return {ErrorKind::invalid, fmt::format("attribute '{}' has no type", proto.name())};
  }
  return {ErrorKind::unsupported,
          fmt::format("attribute '{}' of kind {} is not supported; supported are: FLOAT, INT, "
                      "STRING, TENSOR, FLOATS, INTS",
                      proto.name(), kind)};
}

// One overload for each kind of Attribute.
struct Writer {
  AttributeProto& proto;

  void operator()(std::int64_t value) const {
    proto.set_type(AttributeProto::INT);
    proto.set_i(value);
  }
  void operator()(float value) const {
    proto.set_type(AttributeProto::FLOAT);
    proto.set_f(value);
  }
  void operator()(const std::string& value) const {
    proto.set_type(AttributeProto::STRING);
    proto.set_s(value);
  }
  void operator()(const std::vector<std::int64_t>& values) const {
    proto.set_type(AttributeProto::INTS);
    proto.mutable_ints()->Add(values.begin(), values.end());
  }
  void operator()(const std::vector<float>& values) const {
    proto.set_type(AttributeProto::FLOATS);
    proto.mutable_floats()->Add(values.begin(), values.end());
  }
  void operator()(const cnn::Tensor& tensor) const {
    proto.set_type(AttributeProto::TENSOR);
    fill_inline(tensor, proto.name(), *proto.mutable_t());
  }
};

}  // namespace

Status read_attribute(AttributeProto& proto, ExternalFiles& files, cnn::Attribute& attribute) {
  switch (proto.type()) {
    case AttributeProto::INT:
      attribute = std::int64_t{proto.i()};
      return {};
    case AttributeProto::FLOAT:
      attribute = proto.f();
      return {};
    case AttributeProto::STRING:
      attribute = proto.s();
      return {};
    case AttributeProto::INTS:
      attribute = std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
      return {};
    case AttributeProto::FLOATS:
      attribute = std::vector<float>(proto.floats().begin(), proto.floats().end());
      return {};
    case AttributeProto::TENSOR: {
      HYPS_TRY(attribute, is_external(proto.t()) ? files.tensor(proto.t())
                                                 : take_inline_tensor(*proto.mutable_t()));
      return {};
    }
    default:
      return refused(proto);
  }
}

void write_attribute(const std::string& name, const cnn::Attribute& attribute,
                     AttributeProto& proto) {
  proto.set_name(name);
  std::visit(Writer{proto}, attribute);
}

}  // namespace hyps::onnx
