#include "manager_process.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "common/protocol/topics.hpp"
#include "describe.hpp"
#include "model.hpp"

namespace hyps::sim {

using protocol::Role;

namespace {

constexpr Milliseconds kTick{100};
constexpr const char* kName = "manager";
constexpr const char* kHubStatus = "hyps/hub/+/status";

bool is_about_files(const protocol::Message& message) {
  return std::holds_alternative<protocol::Part>(message) ||
         std::holds_alternative<protocol::PartStored>(message) ||
         std::holds_alternative<protocol::Refused>(message);
}

}  // namespace

ManagerProcess::ManagerProcess(World& world, Network& network, std::size_t plan)
    : Process(world, network, kName, kTick), plan_(plan) {}

void ManagerProcess::on_start() {
  life_ = std::make_shared<Life>(manager::CoreConfig{});
  connect();
}

void ManagerProcess::on_crash() {
  life_->bus->stop();
  bury(std::exchange(life_, nullptr));
}

void ManagerProcess::connect() {
  ClientBus::Handlers handlers;
  handlers.message = [this](const bus::Message& message) { take_message(message); };
  handlers.connected = [this] {
    say([] { return "is connected"; });
    (void)life_->bus->publish(status_message("manager", kName, protocol::kOnline));
    step(manager::Connected{});
  };
  handlers.disconnected = [this] { step(manager::Disconnected{}); };
  life_->bus = make_bus({protocol::inbox({Role::manager, kName}), kHubStatus},
                        status_message("manager", kName, protocol::kOffline), std::move(handlers));
  life_->bus->start();
}

void ManagerProcess::on_tick() {
  proceed();
  step(manager::Tick{});
}

void ManagerProcess::take_message(const bus::Message& message) {
  if (message.topic == protocol::inbox({Role::manager, kName})) return take_packet(message.payload);
  const bool came_up = !message.retained && message.payload.text() == protocol::kOnline;
  if (came_up && protocol::parse_status_topic(message.topic)) step(manager::HubOnline{});
}

void ManagerProcess::take_packet(const Blob& packet) {
  protocol::unpack(packet, [this](const Result<protocol::Message>& message) {
    if (!message.ok()) return;
    if (is_about_files(*message)) return take_file_message(*message);
    step(manager::Received{*message});
  });
}

struct Carry {
  ManagerProcess& process;
  void operator()(const manager::Publish& e) const { process.publish(e.message); }
  void operator()(const manager::PrepareModel& e) const { process.begin(e); }
  void operator()(const manager::Log& e) const {
    process.say([&] { return describe(e.event, e.fields); });
  }
};

void ManagerProcess::step(const manager::Event& event) {
  for (const manager::Effect& effect : life_->core.step(event, now())) {
    std::visit(Carry{*this}, effect);
  }
}

void ManagerProcess::publish(const protocol::Message& message) {
  (void)life_->bus->publish(
      {protocol::outbox({Role::manager, kName}), protocol::encode(message), false, {}, {}, {}});
}

// ---- a preparation
// ----------------------------------------------------------------------------------

void ManagerProcess::begin(const manager::PrepareModel& order) {
  life_->preparation = std::make_unique<Preparation>(order);
  for (const auto& file : order.files) life_->preparation->download.want(file);
  proceed();
}

void ManagerProcess::take_file_message(const protocol::Message& message) {
  if (!life_->preparation) return;
  Preparation& here = *life_->preparation;
  if (const auto* refused = std::get_if<protocol::Refused>(&message)) {
    const bool ours = here.download.on_refused(*refused) || here.upload.is_about(*refused);
    if (ours) return fail("its files cannot be moved: " + refused->message);
  } else if (const auto* part = std::get_if<protocol::Part>(&message)) {
    here.download.on_part(*part);
  } else if (const auto* stored = std::get_if<protocol::PartStored>(&message)) {
    here.upload.on_stored(*stored);
  }
  proceed();
}

void ManagerProcess::proceed() {
  if (!life_->preparation) return;
  Preparation& here = *life_->preparation;
  if (here.built && here.upload.idle()) {
    const manager::Prepared prepared = *here.built;
    life_->preparation.reset();
    return step(prepared);
  }
  for (const auto& message : here.download.on_tick(now().steady)) publish(message);
  for (const auto& message : here.upload.on_tick(now().steady)) publish(message);
  if (here.building || !here.download.idle()) return;
  here.building = true;
  const auto& files = here.order.files;
  const bool all = std::all_of(files.begin(), files.end(),
                               [&](const auto& file) { return here.download.has(file); });
  if (!all) return fail("its files arrived damaged again and again");
  later(world_.random_ms(10, 500), [this, work = here.order.work] {
    if (life_->preparation && life_->preparation->order.work == work) build();
  });
}

void ManagerProcess::build() {
  if (world_.happens(world_.rates.failing_work)) return fail("the builder was out of memory");
  Preparation& here = *life_->preparation;
  partition::Plan plan = plans()[plan_];
  if (!here.order.wanted_plan_json.empty()) {
    auto wanted = partition::plan_from_json(here.order.wanted_plan_json);
    if (!wanted.ok()) return world_.violate("a wanted plan has changed on its way");
    plan = std::move(wanted).value();
  }
  here.built = manager::Prepared{here.order.work, partition::to_json(plan), {}};
  for (const auto& part : plan.partitions) {
    protocol::BundleRef bundle{part.name, {}};
    for (const auto& file : bundle_of(plan, part)) {
      bundle.files.push_back(file.ref);
      here.upload.add(file.data);
    }
    here.built->bundles.push_back(std::move(bundle));
  }
  proceed();
}

void ManagerProcess::fail(const std::string& why) {
  const auto work = life_->preparation->order.work;
  life_->preparation.reset();
  step(manager::PrepareFailed{work, manager::PrepareFailed::Cause::passing, why});
}

}  // namespace hyps::sim
