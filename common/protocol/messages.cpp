#include "common/protocol/messages.hpp"

namespace hyps::protocol {

Digest digest_of_inputs(const std::vector<TensorRef>& inputs) {
  std::string all;
  for (const TensorRef& input : inputs) {
    all += input.tensor + '\0' + input.digest.hex();
  }
  return digest_of(all);
}

Message::Message(const Message& other) = default;
Message::Message(Message&& other) noexcept = default;
Message& Message::operator=(const Message& other) = default;
Message& Message::operator=(Message&& other) noexcept = default;
Message::~Message() = default;

}  // namespace hyps::protocol
