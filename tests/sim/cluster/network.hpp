// The broker, and a connection of each process to it. Within a connection messages keep their order
// each way; what is under way when it ends is lost. A cut line holds what is sent on it until it
// heals or both ends give up. On top of that single messages suffer from World::rates.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/bus/bus.hpp"
#include "world.hpp"

namespace hyps::sim {

// The end of a connection at a process.
class Socket {
 public:
  virtual ~Socket() = default;
  virtual void on_message(bus::Message message) = 0;
  virtual void on_acknowledged(std::uint64_t serial) = 0;
  virtual void on_lost() = 0;
};

struct Connection {
  std::string client;
  std::vector<std::string> filters;
  bus::Message will;
  std::weak_ptr<Socket> socket;  // empty once that end is closed
  bool at_broker = true;         // the broker counts it as there
  Milliseconds last_up{0};
  Milliseconds last_down{0};
};
using ConnectionPtr = std::shared_ptr<Connection>;

class Network {
 public:
  explicit Network(World& world) : world_(world) {}

  // nullptr: nobody answers.
  ConnectionPtr connect(const std::string& client, std::vector<std::string> filters,
                        bus::Message will, const std::shared_ptr<Socket>& socket);
  void send(const ConnectionPtr& connection, std::uint64_t serial, bus::Message message);
  // On a connection of its own, which is there while the line and the broker are; what is on its
  // way when the process dies still arrives.
  void pulse(const std::string& client, bus::Message message);
  // By the process, or its kernel when it dies.
  void close(const ConnectionPtr& connection);

  void crash_broker();
  void start_broker() { broker_up_ = true; }
  [[nodiscard]] bool broker_up() const { return broker_up_; }

  // A frozen process is one whose line is cut and who sees no time pass.
  void cut(const std::string& client, bool up, bool down, bool frozen);
  void heal(const std::string& client);

  // Sees every message the broker takes.
  std::function<void(const bus::Message&)> tap;

 private:
  using Action = std::function<void()>;
  struct Line {
    bool up_cut = false;
    bool down_cut = false;
    bool frozen = false;
    std::uint64_t cuts = 0;
    std::deque<Action> held;
  };

  [[nodiscard]] Milliseconds latency() { return world_.random_ms(0, world_.latency_ms); }
  void travel_up(const ConnectionPtr& connection, Action action);
  void travel_down(const ConnectionPtr& connection, Action action);
  void arrive(const std::string& client, bool up, Action action);
  void publish(bus::Message message);
  void forward(const ConnectionPtr& to, bus::Message message);
  void deliver(const ConnectionPtr& to, const bus::Message& message);
  void damage(bus::Message& message);
  void drop(const ConnectionPtr& connection);  // by the broker
  static void lose(const ConnectionPtr& connection);
  void time_out(const std::string& client, std::uint64_t cut, bool at_broker);

  World& world_;
  bool broker_up_ = true;
  std::map<std::string, ConnectionPtr> sessions_;
  std::map<std::string, ConnectionPtr> latest_;  // of each client, as the client sees it
  std::map<std::string, bus::Message> retained_;
  std::map<std::string, Line> lines_;
};

}  // namespace hyps::sim
