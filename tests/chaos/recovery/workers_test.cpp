// A worker dies or falls silent: how long until others compute what it computed.
#include "recovery.hpp"
#include "tests/support/proxy.hpp"

namespace hyps::test {
namespace {

class Workers : public Recovery {
 protected:
  Workers() : Recovery(workers(4, "8M")) {}

  // Its partitions are those it computed last; until then others have computed none of them.
  struct Victim {
    std::string name;
    std::vector<std::string> partitions;
  };
  // Somebody who has computed something; nobody if nothing was computed at all.
  Victim choose() {
    if (!work_until([&] { return !computed_by_.empty(); })) return {};
    auto chosen = computed_by_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(computed_by_.size())));
    Victim victim{chosen->second, {}};
    for (const auto& [partition, worker] : computed_by_) {
      if (worker == victim.name) victim.partitions.push_back(partition);
    }
    return victim;
  }
  int taken_over(const Victim& victim) const {
    return static_cast<int>(
        std::count_if(victim.partitions.begin(), victim.partitions.end(),
                      [&](const auto& p) { return computed_by_.at(p) != victim.name; }));
  }

  // The first of its partitions is computed by another worker, and the last.
  void measure(const std::string& name, const std::function<void(const std::string&)>& fail,
               const std::function<void(const std::string&)>& heal) {
    Times first(name + ": first result of a replacement");
    Times last(name + ": of all it computed");
    for (int i = 0; i < rounds() && !HasFailure(); ++i) {
      work_for(random_ms(200, 400));
      const Victim victim = choose();
      ASSERT_FALSE(victim.partitions.empty()) << cluster_.log("hub");
      fail(victim.name);
      const auto begin = Clock::now();
      ASSERT_TRUE(work_until([&] { return taken_over(victim) > 0; })) << cluster_.log("hub");
      first.add(ms_since(begin));
      const auto all = static_cast<int>(victim.partitions.size());
      ASSERT_TRUE(work_until([&] { return taken_over(victim) == all; })) << cluster_.log("hub");
      last.add(ms_since(begin));
      heal(victim.name);
      ASSERT_TRUE(client_.wait_workers_online(4));
      ASSERT_TRUE(wait_loaded());
    }
    first.print();
    last.print();
  }
  void measure_kills(const std::string& name) {
    measure(
        name, [&](const std::string& worker) { cluster_.kill(worker); },
        [&](const std::string& worker) { cluster_.start(worker); });
  }
  void start_with(const std::vector<std::string>& replicas) {
    cluster_.start_all();
    ASSERT_TRUE(client_.wait_workers_online(4));
    deploy(replicas);
    ASSERT_TRUE(wait_loaded());
  }
  // Every worker has had every bundle once: from then on it is loaded from its disk.
  void fill_caches() {
    for (int i = 0; i < 2; ++i) {
      for (const auto& worker : cluster_.worker_names()) {
        work_for(100);
        cluster_.kill(worker);
        work_for(500);
        cluster_.start(worker);
        ASSERT_TRUE(client_.wait_workers_online(4));
        ASSERT_TRUE(wait_loaded());
      }
    }
  }

  const std::vector<std::string> standby_{"--replicas", "2", "--replica-mode", "standby"};
};

TEST_F(Workers, KilledWithAWarmStandby) {
  start_with(standby_);
  measure_kills("kill -9, warm standby");
}

TEST_F(Workers, KilledWithTheBundleInTheCache) {
  start_with({});
  fill_caches();
  measure_kills("kill -9, bundle in the cache");
}

TEST_F(Workers, Stopped) {
  start_with(standby_);
  measure(
      "SIGSTOP, warm standby", [&](const std::string& worker) { cluster_.pause(worker); },
      [&](const std::string& worker) { cluster_.resume(worker); });
}

// Every worker's way to the broker can be cut, without a RST.
class CutOff : public Workers {
 protected:
  CutOff() {
    for (const auto& worker : cluster_.worker_names()) {
      auto& proxy = proxies_[worker] = std::make_unique<Proxy>(cluster_.port(), 1);
      cluster_.set(worker, "broker_port=" + std::to_string(proxy->port()));
    }
  }
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
};

TEST_F(CutOff, FromTheBroker) {
  start_with(standby_);
  measure(
      "cut link, warm standby",
      [&](const std::string& worker) { proxies_.at(worker)->set(Proxy::Mode::hold); },
      [&](const std::string& worker) {
        proxies_.at(worker)->set(Proxy::Mode::pass);
        proxies_.at(worker)->cut();
      });
}

}  // namespace
}  // namespace hyps::test
