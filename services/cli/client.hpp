// Client: the command line's connection to a cluster. Synchronous; one thread. Requests are sent
// again every second until they are answered or the time is up.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bounded_queue.hpp"
#include "common/base/result.hpp"
#include "common/base/time.hpp"
#include "common/bus/bus.hpp"
#include "common/protocol/messages.hpp"
#include "common/protocol/stream.hpp"
#include "common/protocol/topics.hpp"
#include "services/cli/cli.hpp"

namespace hyps::cli {

struct BrokerAddress {
  std::string host;
  int port = 1883;
};
// See README.md, "Which cluster".
Result<BrokerAddress> find_broker(const std::string& given);

class Client {
 public:
  // `watched`: topics besides its own. Errors: disconnected, after `timeout`.
  static Result<std::unique_ptr<Client>> connect(const Cli& cli, Milliseconds timeout,
                                                 const std::vector<std::string>& watched = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<nlohmann::json> query(const std::string& what, const std::string& name = {},
                               Milliseconds timeout = Milliseconds(10'000));
  Status check_model(const std::string& name);  // not_found
  // Deploy, Remove, Replay, Backup; the request number is filled in here.
  Result<nlohmann::json> request(protocol::Message message,
                                 Milliseconds timeout = Milliseconds(10'000));
  // Files by path and the name they get in the cluster. `progress(done, total)` in bytes.
  Result<std::vector<protocol::FileRef>> upload(
      const std::vector<std::pair<std::filesystem::path, std::string>>& files,
      const std::function<void(std::uint64_t, std::uint64_t)>& progress);

  // An output of a finished job, of so many bytes. Errors: as the hub refuses; disconnected.
  Result<Blob> output(const std::string& job, const std::string& tensor, std::size_t bytes);

  // For answers to images: messages on answer_topic(), and on watched ones.
  [[nodiscard]] std::string answer_topic() const { return answer_topic_; }
  Status publish(bus::Message message) { return bus_->publish(std::move(message)); }
  std::optional<bus::Message> next_message(Milliseconds timeout);
  // How often the connection came up; a rise means that what was in flight may be lost.
  [[nodiscard]] int connections() const { return connections_; }

 private:
  Client() = default;
  [[nodiscard]] Error no_broker() const;
  // Handles what arrives until `until` says stop (true) or the time is up (false).
  bool pump(const std::function<bool()>& until, Milliseconds timeout);
  void handle(bus::Message message);
  void take_chunk(const protocol::Chunk& chunk);

  struct Incoming {
    enum class Kind { message, connected, waiting };
    Kind kind = Kind::message;
    bus::Message message;
    std::string reason;  // of waiting
  };
  BrokerAddress broker_;
  protocol::Peer self_;
  std::string answer_topic_;
  std::unique_ptr<BoundedQueue<Incoming>> incoming_;
  std::unique_ptr<bus::Bus> bus_;
  int connections_ = 0;
  std::string waiting_reason_;  // why there is no connection, as the bus says it
  std::map<std::uint64_t, Result<std::string>> replies_;
  std::vector<protocol::Message> file_answers_;
  std::optional<protocol::StreamReader> streams_;  // while an output is awaited
  std::size_t chunks_ = 0;                         // of them, so far
  std::vector<protocol::Arrival> arrivals_;
  std::deque<bus::Message> messages_;
};

// The one that is given, if there is one of that name, or the only one there is.
Result<std::string> choose_model(Client& client, const std::string& given);

// A new random name for a job or client: 16 hex digits.
std::string random_name();

}  // namespace hyps::cli
