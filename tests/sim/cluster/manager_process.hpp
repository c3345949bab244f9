// The manager's process: its real core, and what its shell does. A preparation fetches the model's
// files, takes a while, and uploads the bundles of a plan made beforehand.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "process.hpp"
#include "services/manager/core.hpp"
#include "transfer.hpp"

namespace hyps::sim {

class ManagerProcess final : public Process {
 public:
  ManagerProcess(World& world, Network& network, std::size_t plan);

 private:
  struct Preparation {
    explicit Preparation(manager::PrepareModel what) : order(std::move(what)), download(files) {}
    manager::PrepareModel order;
    FileCache files;
    Download download;
    bool building = false;
    std::optional<manager::Prepared> built;
    Upload upload;
  };
  struct Life {
    explicit Life(manager::CoreConfig config) : core(std::move(config)) {}
    manager::Core core;
    std::unique_ptr<Preparation> preparation;
    std::shared_ptr<ClientBus> bus;
  };
  friend struct Carry;

  void on_start() override;
  void on_crash() override;
  void on_tick() override;
  void connect();
  void take_message(const bus::Message& message);
  void take_packet(const Blob& packet);
  void take_file_message(const protocol::Message& message);
  void step(const manager::Event& event);
  void publish(const protocol::Message& message);

  // ---- a preparation ----
  void begin(const manager::PrepareModel& order);
  void proceed();
  void build();
  void fail(const std::string& why);

  const std::size_t plan_;
  std::shared_ptr<Life> life_;
};

}  // namespace hyps::sim
