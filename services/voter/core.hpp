// The voter as a pure state machine; README.md tells its rules. All it remembers may be forgotten
// at any time: the hub shows every open ballot again when the voter says hello.
#pragma once

#include <map>
#include <string>

#include "common/base/time.hpp"
#include "common/protocol/stream.hpp"
#include "services/voter/events.hpp"
#include "services/voter/waiting.hpp"

namespace hyps::voter {

struct CoreConfig {
  std::string id = "voter";
  std::uint64_t max_value_bytes = 256U << 20U;
  Milliseconds values_timeout{120'000};
  Milliseconds ask_again{5000};     // for values, when nothing comes
  Milliseconds late_ballots{1000};  // that long a lower number is an old ballot, then a new round
  Milliseconds hello{10'000};
  Milliseconds doubts{12'000};  // for the values of who differs from a quorum: who lies?
};

class Core {
 public:
  explicit Core(CoreConfig config);

  Effects step(const Event& event, Now now);

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t reserved_bytes() const;

 private:
  static constexpr std::size_t kMaxWaiting = 256;
  using Entries = std::map<protocol::TaskKey, Waiting>;

  void on(const Connected& event);
  void on(const Disconnected& event);
  void on(const HubOnline& event);
  void on(const Received& event);
  void on(const Malformed& event);
  void on(const Tick& event);

  void on_message(const protocol::Ballot& ballot);
  void on_message(const protocol::Chunk& chunk);
  template <typename Other>
  void on_message(const Other& other);

  void begin_session();
  void say_hello(bool again);
  void forget_all();
  // Says what is known of a ballot that waits; true: it waits no more.
  bool judge(Waiting& waiting);
  bool ask_what_is_new(Waiting& waiting, const protocol::Verdict& verdict);
  bool look_closer(Waiting& waiting, const protocol::Verdict& verdict);
  void judge_and_forget(Entries::iterator entry);
  void begin(const protocol::Ballot& ballot);
  // False: there is none now.
  bool make_room(const Waiting& waiting, bool is_told);
  void ask(Waiting& waiting, const std::vector<WorkerId>& workers, const std::string& reason);
  bool has_ended(Waiting& waiting);
  void give_up(const Waiting& waiting, const std::string& why);
  void say(protocol::Verdict verdict);
  void log(Log::Level level, std::string event, runtime::Fields fields);

  const CoreConfig config_;
  bool connected_ = false;
  Milliseconds last_hello_{0};
  Entries waiting_;
  protocol::StreamReader streams_;
  Now now_;          // of the step going on
  Effects effects_;  // of the step going on
};

}  // namespace hyps::voter
