// A process: lives, dies, freezes, has clocks of its own, and a bus. Each kind of node derives from
// it; what belongs to one life is in an object that the node makes at its start and gives up at its
// death (bury: it may be in the middle of its own work then).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "client_bus.hpp"
#include "network.hpp"
#include "world.hpp"

namespace hyps::sim {

class Process {
 public:
  Process(World& world, Network& network, std::string name, Milliseconds tick);
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void start();  // REQUIRES: !alive()
  void crash();  // REQUIRES: alive()
  void freeze();
  void thaw();
  void jump_clock(std::int64_t ms) { wall_offset_ms_ += ms; }

  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] Now now() const;

 protected:
  virtual void on_start() = 0;
  virtual void on_crash() = 0;
  virtual void on_tick() = 0;

  // Runs in this life only, and once the process is not frozen.
  void later(Milliseconds delay, std::function<void()> work);
  // A bus whose handlers run in this life only.
  std::shared_ptr<ClientBus> make_bus(std::vector<std::string> filters, bus::Message will,
                                      ClientBus::Handlers handlers);
  // Destroys what died, after whatever it is doing.
  void bury(std::shared_ptr<void> dead);
  template <typename Text>
  void say(Text text) {
    world_.say(name_, text);
  }

  World& world_;
  Network& network_;

 private:
  void tick();
  void run(std::uint64_t life, const std::function<void()>& work);

  const std::string name_;
  const Milliseconds tick_;
  bool alive_ = false;
  bool frozen_ = false;
  std::uint64_t life_ = 0;
  Milliseconds steady_offset_{0};
  std::int64_t wall_offset_ms_ = 0;
  std::vector<std::function<void()>> waiting_;  // while frozen
};

}  // namespace hyps::sim
