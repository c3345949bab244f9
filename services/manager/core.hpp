// The manager as a pure state machine; README.md tells its states and rules. All it remembers may
// be forgotten at any time without harm.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/time.hpp"
#include "common/partition/plan.hpp"
#include "services/manager/events.hpp"
#include "services/manager/routes.hpp"

namespace hyps::manager {

struct CoreConfig {
  std::string id = "manager";
  Milliseconds settle{3000};  // after the connection or hub came up: unheard workers keep theirs
  Milliseconds hello{10'000};
  Milliseconds resend{3000};  // a decision the snapshot does not show
  Milliseconds retry{10'000};
};

class Core {
 public:
  explicit Core(CoreConfig config) : config_(std::move(config)) {}

  Effects step(const Event& event, Now now);

 private:
  // What a decision was made from; it is void when this changes.
  struct Basis {
    std::vector<protocol::FileRef> files;
    std::string wanted_plan_json;
    std::string wanted_replication;
    std::string wanted_objective;
    bool operator==(const Basis&) const = default;
  };
  struct Preparing {
    WorkNumber work = 0;
    ModelName model;
    Basis basis;
    std::string devices;  // fingerprint
    bool repair = false;  // of a plan whose bundles are gone
  };
  struct Outcome {  // of a preparation
    Basis basis;
    std::optional<protocol::Message> message;  // SetPlan or ModelFailed; of a failed repair: none
    std::optional<Milliseconds> sent;
    int sends = 0;
    bool final = true;                     // planned, or failed for good
    std::string devices;                   // else: tried again when these change
    std::optional<Milliseconds> retry_at;  // or at this time
  };
  struct SentRoutes {
    Routing routing;
    Milliseconds at{0};
  };

  void on(const Connected& event);
  void on(const Disconnected& event);
  void on(const HubOnline& event);
  void on(const Received& event);
  void on(const Prepared& event);
  void on(const PrepareFailed& event);
  void on(const Tick& event);
  void on_snapshot(const protocol::Snapshot& snapshot);

  void say_hello();
  void begin_session();
  // Compares what should be with what the snapshot shows, and says the difference.
  void reconcile();
  [[nodiscard]] bool knows_all_workers() const;
  void forget_removed();
  void prepare(const protocol::ModelRecord& model);
  [[nodiscard]] bool has_answer(const protocol::ModelRecord& model);
  [[nodiscard]] Basis basis_of(const protocol::ModelRecord& model) const;
  // It has no plan; or one whose bundles are gone from the hub.
  [[nodiscard]] bool wants_preparation(const protocol::ModelRecord& model) const;
  [[nodiscard]] bool wants_repair(const protocol::ModelRecord& model) const;
  void tell(const protocol::ModelRecord& model, Outcome& outcome);
  void place_all();
  [[nodiscard]] std::set<PartitionName> late_of(const protocol::ModelRecord& model) const;
  // The first that no route has had.
  [[nodiscard]] Epoch epoch_after(const Routing& routing) const;
  void place(const protocol::ModelRecord& model, const partition::Plan& plan, const Held& held);
  // What the hub has, or will have once our last message is there.
  [[nodiscard]] Routing current_routing(const protocol::ModelRecord& model) const;
  [[nodiscard]] const partition::Plan* plan_of(const protocol::ModelRecord& model);
  void keep_outcome(Outcome outcome);
  void publish(protocol::Message message);
  void log(Log::Level level, std::string_view event, runtime::Fields fields);

  const CoreConfig config_;
  bool connected_ = false;
  Milliseconds settled_at_{0};
  Milliseconds last_hello_{0};
  bool any_version_ = true;  // the next snapshot counts whatever its version
  std::optional<protocol::Snapshot> snapshot_;
  std::set<PlanId> damaged_;               // as the hub said last
  std::vector<planning::Device> devices_;  // online
  std::optional<Preparing> preparing_;
  std::map<ModelName, Outcome> outcomes_;
  std::map<PlanId, partition::Plan> plans_;
  std::map<PlanId, SentRoutes> sent_routes_;
  Epoch max_epoch_ = 0;
  WorkNumber last_work_ = 0;
  Now now_;
  Effects effects_;
};

}  // namespace hyps::manager
