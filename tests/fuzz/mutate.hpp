// Mutates a protobuf message by its structure: what comes out is always a message of the same type.
#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/random.hpp"

namespace hyps::fuzz {

class Mutator {
 public:
  // words: what strings may become, besides those that are in the message.
  Mutator(std::uint64_t seed, std::vector<std::string> words)
      : random_(seed), words_(std::move(words)) {}

  // Changes one to four things in it.
  void mutate(google::protobuf::Message& message);

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;

  void collect(Message& message);
  void change(Message& message);
  void change_single(Message& message, const Field& field);
  void change_repeated(Message& message, const Field& field);
  void add_element(Message& message, const Field& field);
  void set_element(Message& message, const Field& field, int index);
  // One of this type from the tree, or an empty one. To be taken before the tree is touched:
  // setting a member of a oneof destroys the other.
  std::unique_ptr<Message> some_message(const Message& prototype);

  std::int64_t some_integer();
  double some_number();
  std::string some_text();

  Random random_;
  std::vector<std::string> words_;
  std::vector<Message*> messages_;  // all in the tree
  std::vector<std::string> texts_;  // short ones in it
};

}  // namespace hyps::fuzz
