// A user: deploys the model, publishes images with job-ids of their own, some of them more than
// once, and waits for the answers. Sends again what was not accepted in time; asks again for
// answers that do not come, but for quiet jobs, whose answer the hub has to bring to the broker by
// itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "process.hpp"
#include "transfer.hpp"

namespace hyps::sim {

class UserProcess final : public Process {
 public:
  UserProcess(World& world, Network& network, int jobs, Milliseconds period);

  // Deploys the same network with another plan.
  void redeploy(std::size_t plan);
  // A few last jobs; they and what is under way are waited for.
  void end_jobs();
  // What is still waited for; empty: nothing.
  [[nodiscard]] std::string missing() const;

 private:
  enum class State { fresh, sent, accepted, answered };
  struct Job {
    std::string id;
    std::string image;
    std::string response_topic;
    std::string correlation;
    bool quiet = false;
    State state = State::fresh;
    Milliseconds due{0};
  };

  void on_start() override;
  void on_crash() override;
  void on_tick() override;
  void make_jobs(int count, Milliseconds from, Milliseconds to);
  void take_message(const bus::Message& message);
  void take_reply(const Blob& frame);
  void take_event(const std::string& text);
  void take_answer(const bus::Message& message);
  void proceed_with_deploying();
  void deploy();
  void ask(Job& job);
  void ask_anonymously();
  void ask_wrongly(const Job& job);
  void publish_input(const std::string& image, const std::string& job_id, const std::string& topic,
                     const std::string& correlation);
  Job* find(const std::string& id);

  std::vector<Job> jobs_;
  int next_job_ = 0;
  std::string wanted_plan_json_;
  std::uint64_t request_ = 1;
  bool deployed_ = false;
  Upload upload_;
  Milliseconds deploy_due_{0};
  std::shared_ptr<ClientBus> bus_;
};

}  // namespace hyps::sim
