// What votes cost: one model deployed twice on one cluster, once plain and once with three replicas
// of each partition of which two must agree, asked in turn. A subscriber on the broker counts what
// workers send to the hub, and takes the time from the vote that makes a quorum to the hub's order
// to one member to send its outputs.
#include <map>
#include <set>

#include "common/cnn/npy.hpp"
#include "common/protocol/codec.hpp"
#include "common/protocol/parcel.hpp"
#include "tests/bench/support/cluster.hpp"
#include "tests/bench/support/inputs.hpp"

namespace {

using namespace hyps;

constexpr std::size_t kQuorum = 2;

struct Cost {
  double outputs = 0;        // bytes of feature maps, from workers
  double announcements = 0;  // and of what is said about them
};

// Sees all that passes between workers and hub.
class Observer {
 public:
  explicit Observer(int port) : client_(port, {"hyps/w/+/out", "hyps/w/+/in"}) {}

  Cost ask(const std::string& model, const Blob& input) {
    cost_ = {};
    votes_.clear();
    const auto seen = [this](const bench::Client::Seen& what) { take(what); };
    (void)client_.ask(model, input, seen);
    settle();
    return cost_;
  }
  // Of all verdicts so far.
  [[nodiscard]] const bench::Samples& verdict_ms() const { return verdict_ms_; }
  void forget_verdicts() { verdict_ms_.clear(); }

 private:
  // What comes after the answer, the votes of the slowest, belongs to the job.
  void settle() {
    const auto until = bench::Client::Clock::now() + std::chrono::milliseconds(300);
    while (const auto seen = client_.next(until)) take(*seen);
  }
  void take(const bench::Client::Seen& seen) {
    protocol::unpack(seen.message.payload, [&](const Result<protocol::Message>& message) {
      if (message.ok()) take(seen, *message);
    });
  }
  void take(const bench::Client::Seen& seen, const protocol::Message& message) {
    const auto* chunk = std::get_if<protocol::Chunk>(&message);
    if (chunk != nullptr && protocol::peer_of_outbox(seen.message.topic)) {
      cost_.outputs += static_cast<double>(protocol::encode(message).size());
      // Which of them travel compressed is decided as it goes: counted is what they are.
      cost_.outputs += static_cast<double>(chunk->size() - chunk->data.size());
    }
    if (const auto* done = std::get_if<protocol::TaskDone>(&message)) {
      cost_.announcements += static_cast<double>(protocol::encode(message).size());
      auto& votes = votes_[done->task];
      if (votes.voters.insert(seen.message.topic).second && votes.voters.size() == kQuorum) {
        votes.quorum_at = seen.at;
      }
    }
    if (const auto* run = std::get_if<protocol::Run>(&message); run != nullptr && !run->announce) {
      auto& votes = votes_[run->task];
      if (votes.voters.size() < kQuorum || votes.is_decided) return;
      votes.is_decided = true;
      verdict_ms_.push_back(
          std::chrono::duration<double, std::milli>(seen.at - votes.quorum_at).count());
    }
  }

  struct Votes {
    std::set<std::string> voters;
    bench::Client::Clock::time_point quorum_at;
    bool is_decided = false;
  };
  bench::Client client_;
  Cost cost_;
  std::map<protocol::TaskKey, Votes> votes_;
  bench::Samples verdict_ms_;
};

struct Costs {
  bench::Samples outputs;
  bench::Samples results;
  void add(const Cost& cost) {
    outputs.push_back(cost.outputs / 1e3);
    results.push_back((cost.outputs + cost.announcements) / 1e3);
  }
};

int measure(const bench::Options& options, const std::string& model, const std::string& threshold) {
  const TemporaryFolder folder("hyps-bench-model");
  const auto file = bench::save_model(bench::zoo_model(model), folder.path());
  const bench::Cluster cluster({"--workers", "3", "--memory", "256M", "--threads", "1"});
  cluster.deploy(file, "plain", {"--threshold", threshold});
  cluster.deploy(file, "voted", {"--threshold", threshold, "--replicas", "3", "--quorum", "2"});
  Observer observer(cluster.port());

  const Blob input = Blob::of(cnn::to_npy(bench::random_input({1, 3, 224, 224})));
  for (const char* name : {"plain", "voted"}) (void)observer.ask(name, input);  // loads partitions
  observer.forget_verdicts();
  Costs plain;
  Costs voted;
  for (int round = 0; round < options.rounds; ++round) {
    plain.add(observer.ask("plain", input));
    voted.add(observer.ask("voted", input));
  }
  if (observer.verdict_ms().empty()) bench::fail("no verdict was seen");
  bench::Report report("votes", options);
  report.add({.name = "outputs a job",
              .unit = "kB",
              .a = {"3 replicas, quorum 2", voted.outputs},
              .b = bench::Side{"unreplicated", plain.outputs},
              .aim = bench::ratio_at_most(1.05)});
  report.add({.name = "outputs and what is said about them, a job",
              .unit = "kB",
              .a = {"3 replicas, quorum 2", voted.results},
              .b = bench::Side{"unreplicated", plain.results},
              .aim = bench::ratio_at_most(1.05)});
  report.add({.name = "from the quorum's last vote to the verdict",
              .unit = "ms",
              .a = {"verdict", observer.verdict_ms()},
              .aim = bench::median_at_most(5)});
  return report.finish();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"What votes cost in bytes and time"};
  bench::Options options;
  options.rounds = 20;
  options.add_to(app);
  std::string model = "squeezenet1_1";
  std::string threshold = "300k";
  app.add_option("--model", model, "As hyps make-model names it")->capture_default_str();
  app.add_option("--threshold", threshold, "Cut it so")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return bench::run([&] { return measure(options, model, threshold); });
}
