// A hub's core with a disk, workers, a manager and users, in one thread and with its own clock.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "fake_worker.hpp"
#include "services/hub/core.hpp"
#include "tests/support/disk.hpp"

namespace hyps::hub {

// ingest → v01 → h02.0, h02.1 → v03 → report
partition::Plan diamond_plan(const std::string& model = "net");

// All tasks and jobs count, though they are small: what tests are about that count them.
inline Config counted_config() {
  Config config;
  config.bytes_in_flight = 0;
  config.worker_ahead_ms = 0;
  return config;
}

class World {
 public:
  World();
  explicit World(Config configuration);
  ~World();

  // ---- the hub ----
  void step(const Event& event);  // and all that follows from it inside the hub
  // Within a round: nothing is settled yet.
  void step_unsettled(const Event& event);
  // As one round: what they write is written together. REQUIRES: all of them overlap.
  void step_together(const std::vector<Event>& events);
  void advance(int ms);  // and tick
  void crash_hub(std::size_t unsynced_kept = 0);
  void start_hub();  // connected
  [[nodiscard]] bool hub_alive() const { return core_ != nullptr; }
  [[nodiscard]] const State& state() const { return core_->state(); }

  // ---- the others ----
  void deploy();  // files, model, plan, routes over the workers
  void add_worker(const std::string& id, bool safe);
  void kill_worker(const std::string& id);  // the broker tells
  void start_worker(const std::string& id);
  void route_all();  // the manager places every partition on a worker that is alive
  void infer(const std::string& job_id, const std::string& image = "image",
             const std::string& response_topic = {});
  void request(const protocol::Message& message);  // of the client
  nlohmann::json query(const std::string& what, const std::string& name = {});
  void start_voter();
  void from_manager(const protocol::Message& message);
  void from_worker(const std::string& id, const protocol::Message& message);

  // ---- the network: what is under way, in order ----
  struct Packet {
    bool to_hub = false;
    Event event;         // to the hub
    std::string worker;  // to or from
    // to a worker:
    std::optional<protocol::Message> message;
    std::optional<SendCheckpoint> checkpoint;
    std::optional<std::pair<StartRelay, Blob>> relayed = {};  // with its last chunk
  };
  bool deliver_next();               // false: nothing under way
  void deliver(Packet packet);       // any one
  void settle(int max_ms = 20'000);  // delivers, ticks and beats until all jobs are finished
  void run_dry();                    // delivers what is under way, without time passing
  void beat();                       // a heartbeat of each worker
  std::deque<Packet> network;

  // ---- what was seen ----
  [[nodiscard]] std::vector<nlohmann::json> answers(const std::string& job) const;
  [[nodiscard]] std::vector<nlohmann::json> events(const std::string& job,
                                                   const std::string& event) const;
  [[nodiscard]] std::string expected_top(const std::string& image) const;
  [[nodiscard]] std::size_t times_sent(const std::string& tensor) const;     // once stored
  [[nodiscard]] std::size_t times_relayed(const std::string& tensor) const;  // while it arrived
  [[nodiscard]] int computed(const std::string& job, const std::string& partition) const;

  Config config = counted_config();
  partition::Plan plan = diamond_plan();
  bool voter_alive = true;
  bool broker_acknowledges = true;        // answers
  std::vector<std::string> asked_voters;  // one entry a ballot
  std::vector<protocol::Ballot> ballots;  // as shown to voters
  std::vector<protocol::Arrival> values;  // the same
  test::Disk disk;
  Now now{Milliseconds(1'000'000), 1'700'000'000'000};
  std::map<std::string, FakeWorker> workers;
  std::set<std::string> alive;
  std::map<std::string, bool> zones;
  std::vector<Publish> published;
  std::vector<protocol::Message> to_client;
  std::vector<protocol::Message> to_manager;
  std::vector<Log> logs;
  std::vector<SendCheckpoint> checkpoints;  // sent
  std::vector<StartRelay> relays_begun;
  std::map<std::uint64_t, StartRelay> relays;                          // going on
  std::vector<std::string> backups;                                    // begun
  std::map<std::pair<std::string, std::string>, int> computed_before;  // by workers that died
  std::vector<std::string> violations;

 private:
  friend struct Perform;
  void perform(const Effect& effect);
  void run_core();
  void relay(const TensorArrived& arrived);
  bool is_stored(const JobId& job, const std::string& tensor);
  void check_run(const protocol::Run& run);
  void send_to_hub(const std::string& worker, std::vector<Event> events);

  std::unique_ptr<Core> core_;
  std::deque<Event> inside_;
  std::uint64_t seed_ = 1;
  Epoch epoch_ = 1;
};

}  // namespace hyps::hub
