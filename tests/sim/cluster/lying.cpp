#include "lying.hpp"

#include <utility>

namespace hyps::sim {

using worker::Output;

namespace {

void set_byte(Output& output, std::size_t at, char value, bool announced) {
  std::string bytes(output.data.text());
  bytes[at] = value;
  output.data = Blob::of(std::move(bytes));
  if (announced) output.ref.digest = digest_of(output.data.bytes());
}

std::size_t some_float(World& world, const Output& output) {
  return world.random.below(output.data.size() / sizeof(float)) * sizeof(float);
}

void say_wrong(World& world, Output& output, bool announced) {
  const std::size_t at = some_float(world, output) + 3;
  set_byte(output, at, output.data.text()[at] == 0x40 ? 0x41 : 0x40, announced);
}

void say_not_a_number(World& world, Output& output) {
  const std::size_t at = some_float(world, output);
  set_byte(output, at + 2, '\xc0', true);
  set_byte(output, at + 3, '\x7f', true);
}

void say_one_off(World& world, Output& output) {
  const std::size_t at = some_float(world, output);
  set_byte(output, at, static_cast<char>(output.data.text()[at] ^ 2), true);
  world.tolerable_lies.insert(output.ref.digest);
}

void invent_a_digest(World& world, Output& output) {
  output.ref.digest = {world.random.next(), world.random.next()};
}

}  // namespace

void Liar::distort(World& world, const partition::Partition& part, std::vector<Output>& outputs) {
  if (!part.replication.votes()) return;
  const auto stale = std::exchange(old_[part.name.text], outputs);
  if (world.random.below(100) >= percent_) return;
  Output& output = outputs[world.random.below(outputs.size())];
  switch (world.random.below(7)) {
    case 0:
      return say_not_a_number(world, output);
    case 1:
      return say_one_off(world, output);
    case 2:
      if (!stale.empty()) outputs = stale;
      return;
    case 3:
      return say_wrong(world, output, false);  // another's digest, and not its bytes
    case 4:
      return invent_a_digest(world, output);
    case 5:
      output.ref.tensor = "nonsense";
      return;
    default:
      return say_wrong(world, output, true);
  }
}

}  // namespace hyps::sim
