#include "services/hub/spot_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/hub/accept.hpp"
#include "services/hub/file_ranges.hpp"
#include "services/hub/files.hpp"
#include "services/hub/jobs.hpp"
#include "services/hub/keys.hpp"
#include "services/hub/recovery.hpp"
#include "services/hub/spot_audit.hpp"
#include "services/hub/suspects.hpp"

namespace hyps::hub {

namespace {

// Those that are stored whole.
std::vector<KnownImage> known_images(const State& s, const protocol::ModelRecord& model) {
  std::vector<KnownImage> images;
  const auto find = [&](const std::string& name) {
    return std::find_if(model.files.begin(), model.files.end(),
                        [&](const auto& file) { return file.name == name; });
  };
  for (std::size_t i = 0; i < model.files.size(); ++i) {
    const auto image = find(fmt::format("known-{}.image", i));
    const auto maps = find(fmt::format("known-{}.maps", i));
    if (image == model.files.end() || maps == model.files.end()) break;
    if (is_whole(s, *image) && is_whole(s, *maps)) images.push_back({i, *image, *maps});
  }
  return images;
}

void begin_job(State& s, const ModelName& model, const KnownImage& known, const Blob& image) {
  Job job;
  job.summary.id = new_job_id(s);
  job.summary.model = model;
  job.summary.known_image = known.number;
  job.summary.state = JobState::waiting;
  job.summary.sequence = s.next_sequence++;
  job.summary.accepted_unix_ms = s.now.unix_ms;
  job.summary.image = digest_of(image.bytes());
  job.accepted_at = s.now.steady;
  const protocol::TensorRef ref{partition::kImageTensor, image.size(), job.summary.image};
  job.stored.emplace(ref.tensor, ref);
  const JobId id = job.summary.id;
  store::Batch batch;  // not synced: nobody waits for it
  batch.puts.emplace_back(feature_map_key(id, ref.tensor), image);
  batch.puts.emplace_back(feature_map_ref_key(id, ref.tensor), encode_ref(ref));
  batch.puts.emplace_back(job_key(id), encode_job(job));
  s.unfinished.emplace(id, job.summary.sequence);
  s.jobs.emplace(job.summary.sequence, std::move(job));
  s.schedule_due = true;
  s.persist(std::move(batch), [&s, id](const Status& status) {
    if (!status.ok()) forget_spot_check(s, id);
  });
}

void begin_check(State& s, const ModelName& model, const KnownImage& known) {
  s.spot_checks.running.insert(model);
  read_range(
      s, known.image.digest, 0, known.image.bytes, [&s, model, known](const Result<Blob>& image) {
        const auto* record = s.find_model(model);
        const bool usable =
            image.ok() && record != nullptr && digest_of(image->bytes()) == known.image.digest;
        if (usable) return begin_job(s, model, known, *image);
        s.spot_checks.running.erase(model);
      });
}

}  // namespace

bool is_spot_check(const JobSummary& job) { return job.known_image.has_value(); }

void maybe_spot_check(State& s, const ModelName& name) {
  const auto* model = s.find_model(name);
  SpotChecks& checks = s.spot_checks;
  if (s.config.spot_check_one_in == 0 || model == nullptr || checks.running.contains(name)) return;
  if (model->plan.empty() || !refusing_because(s).empty()) return;
  const auto one_in = static_cast<std::uint64_t>(s.config.spot_check_one_in);
  if (!checks.due.contains(name) && s.random.below(one_in) != 0) return;
  const auto images = known_images(s, *model);
  if (images.empty()) return;
  checks.due.erase(name);
  begin_check(s, name, images[s.random.below(images.size())]);
}

void end_spot_check(State& s, const JobId& id) {
  const Job& job = *s.find_job(id);
  const auto* model = s.find_model(job.summary.model);
  if (model == nullptr) return forget_spot_check(s, id);
  for (const KnownImage& known : known_images(s, *model)) {
    if (known.number == *job.summary.known_image && known.image.digest == job.summary.image) {
      return audit(s, id, known);
    }
  }
  conclude_unfinished(s, id, "what is known of its image is not there any more");
}

void forget_spot_check(State& s, const JobId& id) {
  Job* job = s.find_job(id);
  if (job == nullptr) return;
  drop_tasks(s, *job);
  s.spot_checks.running.erase(job->summary.model);
  s.jobs.erase(job->summary.sequence);
  s.unfinished.erase(id);
  forget_suspects(s, id);
  s.plans_due = s.schedule_due = s.status_due = true;
  store::Batch batch;
  batch.deletes = {job_key(id)};
  batch.delete_prefixes = {feature_maps_of(id), feature_map_refs_of(id)};
  // Should this be lost, the next start deletes it.
  s.persist(std::move(batch), [](const Status&) {});
}

void drop_spot_checks(State& s, const ModelName& model) {
  std::vector<JobId> dropped;
  for (const auto& [sequence, job] : s.jobs) {
    if (is_spot_check(job.summary) && job.summary.model == model) dropped.push_back(job.summary.id);
  }
  for (const JobId& id : dropped) forget_spot_check(s, id);
  s.spot_checks.running.erase(model);
  s.spot_checks.due.erase(model);
}

nlohmann::json spot_checks_json(const State& s) {
  const auto list = [](const std::vector<WorkerId>& workers) {
    nlohmann::json names = nlohmann::json::array();
    for (const WorkerId& worker : workers) names.push_back(worker.text);
    return names;
  };
  constexpr const char* kOutcomes[] = {"right", "wrong", "unfinished"};
  nlohmann::json notes = nlohmann::json::array();
  const auto& all = s.spot_checks.notes;
  for (auto note = all.rbegin(); note != all.rend(); ++note) {
    notes.push_back({{"unix_ms", note->unix_ms},
                     {"model", note->model.text},
                     {"job", note->job.text},
                     {"image", note->image},
                     {"outcome", kOutcomes[static_cast<int>(note->outcome)]},
                     {"liars", list(note->liars)},
                     {"took_part", list(note->took_part)},
                     {"detail", note->detail}});
  }
  return notes;
}

std::string spot_check_problem(const State& s, const ModelName& model) {
  const auto& notes = s.spot_checks.notes;
  for (auto note = notes.rbegin(); note != notes.rend(); ++note) {
    if (note->model != model || note->outcome == SpotCheckNote::Outcome::unfinished) continue;
    if (note->outcome == SpotCheckNote::Outcome::right) return {};
    return "a spot check was wrong: " + note->detail;
  }
  return {};
}

}  // namespace hyps::hub
