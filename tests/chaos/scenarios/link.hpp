// A network of one machine, which is a namespace of this one, and its link to it.
#pragma once

#include "tests/support/program.hpp"

namespace hyps::test {

class Link {
 public:
  Link() {
    const bool made =
        ip({"netns", "add", space_}) &&
        ip({"link", "add", here_, "type", "veth", "peer", "name", there_, "netns", space_}) &&
        ip({"address", "add", address(1) + "/30", "dev", here_}) &&
        ip({"link", "set", here_, "up"}) &&
        ip({"-n", space_, "address", "add", address(2) + "/30", "dev", there_}) && set_up(true);
    if (made) why_not_.clear();
  }
  ~Link() { ip({"netns", "delete", space_}); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Empty: all is well.
  [[nodiscard]] const std::string& why_not() const { return why_not_; }
  // What runs under this program runs over there.
  [[nodiscard]] std::vector<std::string> prefix() const {
    return {"nsenter", "--net=/run/netns/" + space_};
  }
  // Of this machine, as seen from there.
  [[nodiscard]] std::string host() const { return address(1); }

  // The cable is pulled over there: nobody is told, and nothing is sent on other ways.
  bool set_up(bool up) { return ip({"-n", space_, "link", "set", there_, up ? "up" : "down"}); }
  // Packets that come in over there ("INPUT"), or leave ("OUTPUT"), are lost.
  bool lose(const std::string& chain) { return there("iptables", {"-A", chain, "-j", "DROP"}); }
  bool lose_nothing() { return there("iptables", {"-F"}); }
  // Both ways.
  bool limit_to(const std::string& rate) {
    const std::vector<std::string> words{"root",  "tbf",  "rate",    rate,
                                         "burst", "16kb", "latency", "400ms"};
    std::vector<std::string> mine{"tc", "qdisc", "add", "dev", here_};
    mine.insert(mine.end(), words.begin(), words.end());
    std::vector<std::string> theirs{"-n", space_, "qdisc", "add", "dev", there_};
    theirs.insert(theirs.end(), words.begin(), words.end());
    theirs.insert(theirs.begin(), "tc");
    return run(mine) && run(theirs);
  }
  bool limit_nothing() {
    return run({"tc", "qdisc", "delete", "dev", here_, "root"}) &&
           run({"tc", "-n", space_, "qdisc", "delete", "dev", there_, "root"});
  }

 private:
  bool ip(std::vector<std::string> words) {
    words.insert(words.begin(), "ip");
    return run(words);
  }
  bool there(const std::string& program, const std::vector<std::string>& words) {
    std::vector<std::string> command = prefix();
    command.push_back(program);
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  bool run(const std::vector<std::string>& command) {
    const Outcome outcome = run_program(command);
    if (outcome.code == 0) return true;
    why_not_.clear();
    for (const std::string& word : command) why_not_ += word + " ";
    why_not_ += "failed: " + outcome.errors;
    return false;
  }
  // Four addresses for each link.
  std::string address(int last) const {
    const int number = ((static_cast<int>(::getpid()) + 4099 * count_) % 16384) * 4 + last;
    return "10.213." + std::to_string(number / 256) + "." + std::to_string(number % 256);
  }

  static inline int links_ = 0;  // of this process
  const int count_ = links_++;
  const std::string id_ = std::to_string(::getpid()) + "." + std::to_string(count_);
  const std::string space_ = "hyps-" + id_;
  const std::string here_ = "hy" + id_ + "a";
  const std::string there_ = "hy" + id_ + "b";
  std::string why_not_ = "not made yet";
};

}  // namespace hyps::test
