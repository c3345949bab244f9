#include "process.hpp"

#include <utility>

namespace hyps::sim {

namespace {

constexpr std::int64_t kBegin = 1'700'000'000'000;  // of the wall clock

}  // namespace

Process::Process(World& world, Network& network, std::string name, Milliseconds tick)
    : world_(world), network_(network), name_(std::move(name)), tick_(tick) {}

Now Process::now() const {
  return {world_.clock.now() + steady_offset_,
          kBegin + world_.clock.now().count() + wall_offset_ms_};
}

void Process::start() {
  alive_ = true;
  ++life_;
  // A machine that was started anew counts from anywhere.
  steady_offset_ = world_.random_ms(0, 100'000'000);
  say([] { return "starts"; });
  on_start();
  if (alive_) tick();
}

void Process::crash() {
  say([] { return "dies"; });
  alive_ = false;
  ++life_;
  on_crash();
  if (!frozen_) return;
  frozen_ = false;
  waiting_.clear();
  network_.heal(name_);
}

void Process::freeze() {
  if (frozen_) return;
  frozen_ = true;
  say([] { return "is frozen"; });
  network_.cut(name_, true, true, true);
}

void Process::thaw() {
  if (!frozen_) return;
  frozen_ = false;
  say([] { return "goes on"; });
  for (const auto& work : std::exchange(waiting_, {})) work();
  network_.heal(name_);
}

void Process::run(std::uint64_t life, const std::function<void()>& work) {
  if (life != life_) return;
  if (!frozen_) return work();
  waiting_.emplace_back([this, life, work] { run(life, work); });
}

void Process::later(Milliseconds delay, std::function<void()> work) {
  world_.clock.after(delay, [this, life = life_, work = std::move(work)] { run(life, work); });
}

void Process::tick() {
  later(tick_, [this] {
    on_tick();
    if (alive_) tick();
  });
}

void Process::bury(std::shared_ptr<void> dead) {
  world_.clock.after(Milliseconds(0), [dead = std::move(dead)] {});
}

std::shared_ptr<ClientBus> Process::make_bus(std::vector<std::string> filters, bus::Message will,
                                             ClientBus::Handlers handlers) {
  return std::make_shared<ClientBus>(world_, network_, name_, std::move(filters), std::move(will),
                                     std::move(handlers));
}

}  // namespace hyps::sim
