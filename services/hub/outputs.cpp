#include "services/hub/outputs.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "services/hub/keys.hpp"
#include "services/hub/models.hpp"

namespace hyps::hub {

using nlohmann::json;

namespace {

constexpr const char* kReport = "report";  // the partition that has seen them

Status check(State& s, const JobId& id) {
  if (s.find_job(id) != nullptr) {
    return Error{ErrorKind::invalid, "job " + id.text + " is not finished yet"};
  }
  const auto job = s.finished.find(id);
  if (job == s.finished.end()) {
    return Error{ErrorKind::not_found, "no job is called '" + id.text + "'"};
  }
  if (job->second.summary.state == JobState::failed) {
    return Error{ErrorKind::invalid, "job " + id.text + " failed; it has no outputs"};
  }
  if (job->second.has_feature_maps) return {};
  return Error{ErrorKind::not_found,
               "the outputs of job " + id.text +
                   " are not kept any more (the hub's keep_feature_maps, keep_feature_maps_hours, "
                   "keep_feature_maps_percent)"};
}

// As the answer states it; nullopt: it names no such output.
std::optional<std::string> digest_in(const std::string& answer, const std::string& tensor) {
  const json parsed = json::parse(answer, nullptr, false);
  const auto outputs = parsed.is_object() ? parsed.find("outputs") : parsed.end();
  if (outputs == parsed.end() || !outputs->is_array()) return std::nullopt;
  for (const json& output : *outputs) {
    if (output.is_object() && output.value("name", json()) == tensor) {
      const json digest = output.value("digest", json());
      if (digest.is_string()) return digest.get<std::string>();
    }
  }
  return std::nullopt;
}

void send_output(State& s, const Peer& peer, const protocol::OutputGet& get,
                 const std::string& digest, const Result<Blob>& data) {
  if (!data.ok()) return refuse(s, peer, get.request, data.error());
  if (digest_of(data->bytes()).hex() != digest) {
    return refuse(s, peer, get.request,
                  {ErrorKind::corrupt, "the stored '" + get.tensor + "' of job " + get.job.text +
                                           " is damaged; send the input again"});
  }
  const auto job = s.finished.find(get.job);
  const PlanId plan = job == s.finished.end() ? PlanId() : job->second.summary.plan;
  SendValue send;
  send.to = peer;
  send.value = {{get.job, plan, PartitionName(kReport)}, 0, get.tensor, *data};
  s.effects.emplace_back(std::move(send));
}

void on_record(State& s, const Peer& peer, const protocol::OutputGet& get,
               const Result<Blob>& record) {
  const Result<Job> job = record.ok() ? decode_job(*record) : Result<Job>(record.error());
  if (!job.ok()) return refuse(s, peer, get.request, job.error());
  const auto digest = digest_in(job->answer, get.tensor);
  if (!digest) {
    return refuse(
        s, peer, get.request,
        {ErrorKind::not_found, "job " + get.job.text + " has no output '" + get.tensor + "'"});
  }
  s.read(feature_map_key(get.job, get.tensor),
         [&s, peer, get, digest = *digest](const Result<Blob>& data) {
           send_output(s, peer, get, digest, data);
         });
}

}  // namespace

void on_output_get(State& s, const Peer& peer, const protocol::OutputGet& get) {
  if (const Status status = check(s, get.job); !status.ok()) {
    return refuse(s, peer, get.request, status.error());
  }
  s.read(job_key(get.job),
         [&s, peer, get](const Result<Blob>& record) { on_record(s, peer, get, record); });
}

}  // namespace hyps::hub
