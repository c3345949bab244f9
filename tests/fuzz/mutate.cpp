#include "tests/fuzz/mutate.hpp"

#include <array>
#include <limits>

namespace hyps::fuzz {

namespace {

using Field = google::protobuf::FieldDescriptor;

constexpr std::size_t kMaxMessages = 20'000;
constexpr std::size_t kMaxText = 64;
constexpr int kMaxElements = 4096;

}  // namespace

void Mutator::mutate(Message& message) {
  const auto changes = 1 + random_.below(4);
  for (std::uint64_t i = 0; i < changes; ++i) {
    messages_.clear();
    texts_ = words_;
    collect(message);
    change(*messages_[random_.below(messages_.size())]);
  }
}

void Mutator::collect(Message& message) {
  if (messages_.size() >= kMaxMessages) return;
  messages_.push_back(&message);
  const auto& reflection = *message.GetReflection();
  std::vector<const Field*> fields;
  reflection.ListFields(message, &fields);
  for (const Field* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < std::min(count, kMaxElements); ++i) {
      if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
        collect(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                     : *reflection.MutableMessage(&message, field));
      } else if (field->cpp_type() == Field::CPPTYPE_STRING) {
        std::string text = field->is_repeated() ? reflection.GetRepeatedString(message, field, i)
                                                : reflection.GetString(message, field);
        if (text.size() <= kMaxText) texts_.push_back(std::move(text));
      }
    }
  }
}

void Mutator::change(Message& message) {
  if (random_.below(8) == 0) return message.CopyFrom(*some_message(message));
  const auto& descriptor = *message.GetDescriptor();
  if (descriptor.field_count() == 0) return;
  const auto index = random_.below(static_cast<std::uint64_t>(descriptor.field_count()));
  const Field& field = *descriptor.field(static_cast<int>(index));
  field.is_repeated() ? change_repeated(message, field) : change_single(message, field);
}

void Mutator::change_single(Message& message, const Field& field) {
  const auto& reflection = *message.GetReflection();
  if (random_.below(6) == 0) return reflection.ClearField(&message, &field);
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return reflection.SetInt32(&message, &field, static_cast<std::int32_t>(some_integer()));
    case Field::CPPTYPE_INT64:
      return reflection.SetInt64(&message, &field, some_integer());
    case Field::CPPTYPE_FLOAT:
      return reflection.SetFloat(&message, &field, static_cast<float>(some_number()));
    case Field::CPPTYPE_DOUBLE:
      return reflection.SetDouble(&message, &field, some_number());
    case Field::CPPTYPE_STRING:
      return reflection.SetString(&message, &field, some_text());
    case Field::CPPTYPE_ENUM: {
      const auto& values = *field.enum_type();
      const auto which = random_.below(static_cast<std::uint64_t>(values.value_count()));
      return reflection.SetEnum(&message, &field, values.value(static_cast<int>(which)));
    }
    case Field::CPPTYPE_MESSAGE: {
      const auto source = some_message(reflection.GetMessage(message, &field));
      return reflection.MutableMessage(&message, &field)->CopyFrom(*source);
    }
    default:
      return;  // ONNX has no others
  }
}

void Mutator::change_repeated(Message& message, const Field& field) {
  const auto& reflection = *message.GetReflection();
  const int count = reflection.FieldSize(message, &field);
  if (count == 0) return add_element(message, field);
  const auto any = [&] {
    return static_cast<int>(random_.below(static_cast<std::uint64_t>(count)));
  };
  switch (random_.below(5)) {
    case 0:
      if (count < kMaxElements) add_element(message, field);
      return;
    case 1:
      return reflection.SwapElements(&message, &field, any(), any());
    case 2:
      reflection.SwapElements(&message, &field, any(), count - 1);
      return reflection.RemoveLast(&message, &field);
    default:
      return set_element(message, field, any());
  }
}

void Mutator::add_element(Message& message, const Field& field) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return reflection.AddInt32(&message, &field, static_cast<std::int32_t>(some_integer()));
    case Field::CPPTYPE_INT64:
      return reflection.AddInt64(&message, &field, some_integer());
    case Field::CPPTYPE_UINT64:
      return reflection.AddUInt64(&message, &field, static_cast<std::uint64_t>(some_integer()));
    case Field::CPPTYPE_FLOAT:
      return reflection.AddFloat(&message, &field, static_cast<float>(some_number()));
    case Field::CPPTYPE_DOUBLE:
      return reflection.AddDouble(&message, &field, some_number());
    case Field::CPPTYPE_STRING:
      return reflection.AddString(&message, &field, some_text());
    case Field::CPPTYPE_MESSAGE: {
      auto* factory = reflection.GetMessageFactory();
      const auto source = some_message(*factory->GetPrototype(field.message_type()));
      return reflection.AddMessage(&message, &field)->CopyFrom(*source);
    }
    default:
      return;
  }
}

void Mutator::set_element(Message& message, const Field& field, int index) {
  const auto& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return reflection.SetRepeatedInt32(&message, &field, index,
                                         static_cast<std::int32_t>(some_integer()));
    case Field::CPPTYPE_INT64:
      return reflection.SetRepeatedInt64(&message, &field, index, some_integer());
    case Field::CPPTYPE_UINT64:
      return reflection.SetRepeatedUInt64(&message, &field, index,
                                          static_cast<std::uint64_t>(some_integer()));
    case Field::CPPTYPE_FLOAT:
      return reflection.SetRepeatedFloat(&message, &field, index,
                                         static_cast<float>(some_number()));
    case Field::CPPTYPE_DOUBLE:
      return reflection.SetRepeatedDouble(&message, &field, index, some_number());
    case Field::CPPTYPE_STRING:
      return reflection.SetRepeatedString(&message, &field, index, some_text());
    case Field::CPPTYPE_MESSAGE:
      return change(*reflection.MutableRepeatedMessage(&message, &field, index));
    default:
      return;
  }
}

std::unique_ptr<Mutator::Message> Mutator::some_message(const Message& prototype) {
  std::unique_ptr<Message> copy(prototype.New());
  std::vector<const Message*> alike;
  for (const Message* message : messages_) {
    if (message->GetDescriptor() == prototype.GetDescriptor()) alike.push_back(message);
  }
  if (!alike.empty()) copy->CopyFrom(*alike[random_.below(alike.size())]);
  return copy;
}

std::int64_t Mutator::some_integer() {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMost32 = std::numeric_limits<std::int32_t>::max();
  static constexpr std::array<std::int64_t, 16> kTelling{
      -kMost - 1, -kMost32 - 1, -2,   -1,      0,           1,          2,    3, 7,
      8,          64,           1000, kMost32, kMost32 + 1, 1LL << 40U, kMost};
  if (random_.below(3) == 0) return random_.between(-20, 300);
  return kTelling[random_.below(kTelling.size())];
}

double Mutator::some_number() {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  static constexpr std::array<double, 10> kTelling{0.0,   -0.0, 1.0,   -1.0,      0.5,
                                                   1e-30, 1e30, 1e300, kInfinite, -kInfinite};
  if (random_.below(12) == 0) return std::numeric_limits<double>::quiet_NaN();
  return random_.below(3) == 0 ? random_.uniform(-10, 10)
                               : kTelling[random_.below(kTelling.size())];
}

std::string Mutator::some_text() {
  if (random_.below(8) != 0 && !texts_.empty()) return texts_[random_.below(texts_.size())];
  std::string text(random_.below(40), '\0');
  for (char& c : text) c = static_cast<char>(random_.next());
  return text;
}

}  // namespace hyps::fuzz
