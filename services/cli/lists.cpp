#include "services/cli/lists.hpp"

#include <fmt/format.h>

#include "common/base/units.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

using nlohmann::json;

std::int64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

double real(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string or_dash(std::string value) { return value.empty() ? "-" : value; }

std::string count_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return std::to_string(found != object.end() && found->is_array() ? found->size() : 0);
}

std::string worker_state(const json& worker) {
  if (!worker.value("online", false)) return "offline";
  const bool quarantined = worker.value("/reputation/quarantined"_json_pointer, false);
  return quarantined ? "quarantined" : "online";
}

std::string names(const json& list) {
  std::string text;
  for (const json& name : list) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return or_dash(text);
}

std::string votes_text(const json& reply) {
  Table verdicts({"JOB", "PARTITION", "AGREE", "DIFFER", "DETAIL"});
  for (const json& v : reply.at("verdicts")) {
    verdicts.add({text(v, "job"), text(v, "partition"), names(v.at("agree")), names(v.at("differ")),
                  text(v, "detail")});
  }
  Table workers({"WORKER", "AGREEMENTS", "IN A ROW", "LIES", "QUARANTINED"});
  for (const json& w : reply.at("workers")) {
    workers.add({text(w, "worker"), std::to_string(number(w, "agreements")),
                 std::to_string(number(w, "agreements_in_a_row")),
                 std::to_string(number(w, "lies")), w.value("quarantined", false) ? "yes" : "no"});
  }
  Table checks({"SPOT CHECK", "IMAGE", "OUTCOME", "LIARS", "TOOK PART", "DETAIL"});
  for (const json& c : reply.value("spot_checks", json::array())) {
    checks.add({text(c, "model"), std::to_string(number(c, "image")), text(c, "outcome"),
                names(c.at("liars")), names(c.at("took_part")), text(c, "detail")});
  }
  return verdicts.text() + "\n" + workers.text() + "\n" + checks.text();
}

Table workers_table(const json& reply) {
  Table table({"WORKER", "STATE", "ZONE", "CORES", "ISA", "MEMORY", "USED", "PARTITIONS", "LOADED",
               "DONE", "PROBLEM"});
  for (const json& w : reply.at("workers")) {
    table.add({text(w, "id"), worker_state(w), text(w, "zone"), std::to_string(number(w, "cores")),
               text(w, "isa"), format_bytes(number(w, "memory_bytes")),
               format_bytes(number(w, "resident_bytes")), count_of(w, "assigned"),
               count_of(w, "loaded"), std::to_string(number(w, "done")), text(w, "problem")});
  }
  return table;
}

Table models_table(const json& reply) {
  Table table(
      {"MODEL", "STATE", "FOR", "PARTITIONS", "WAITING", "RUNNING", "DONE", "FAILED", "PROBLEM"});
  for (const json& m : reply.at("models")) {
    table.add({text(m, "name"), text(m, "state"), text(m, "objective"),
               std::to_string(number(m, "partitions")), std::to_string(number(m, "jobs_waiting")),
               std::to_string(number(m, "jobs_running")), std::to_string(number(m, "jobs_done")),
               std::to_string(number(m, "jobs_failed")), text(m, "problem")});
  }
  return table;
}

Table jobs_table(const json& reply) {
  Table table({"JOB", "MODEL", "STATE", "STORED", "MS", "RECOVERIES", "ERROR"});
  for (const json& j : reply.at("jobs")) {
    table.add({text(j, "job"), text(j, "model"), text(j, "state"),
               fmt::format("{} of {}", number(j, "stored"), number(j, "partitions")),
               text(j, "state") == "done" ? fmt::format("{:.1f}", real(j, "latency_ms")) : "-",
               std::to_string(number(j, "recoveries")), text(j, "error")});
  }
  return table;
}

Table partitions_table(const json& reply) {
  Table table({"MODEL", "PARTITION", "KIND", "WORKER", "STATE", "EPOCH", "MEMORY", "RUNS"});
  for (const json& p : reply.at("partitions")) {
    table.add({text(p, "model"), text(p, "partition"), text(p, "kind"), or_dash(text(p, "worker")),
               text(p, "state"), std::to_string(number(p, "epoch")),
               format_bytes(number(p, "memory_bytes")), std::to_string(number(p, "runs"))});
  }
  return table;
}

// As they travelled last.
Table feature_maps_table(const json& model) {
  Table table({"FEATURE MAP", "WAY", "SIZE", "SENT AS"});
  for (const json& m : model.at("feature_maps")) {
    const std::string end = text(m, "partition") + " (" + text(m, "worker") + ")";
    const bool is_result = text(m, "way") == "result";
    const double bytes = real(m, "bytes");
    table.add({text(m, "tensor"), is_result ? end + " -> hub" : "hub -> " + end,
               format_bytes(number(m, "bytes")),
               m.value("compressed", false)
                   ? fmt::format("compressed, {:.2f} of it", real(m, "wire_bytes") / bytes)
                   : "as it is"});
  }
  return table;
}

std::string status_text(const json& status) {
  std::string out = fmt::format(
      "workers  {} online, {} offline\njobs     {} running, {} waiting, {} done, {} failed\n",
      number(status, "workers_online"), number(status, "workers_offline"),
      number(status, "jobs_running"), number(status, "jobs_waiting"), number(status, "jobs_done"),
      number(status, "jobs_failed"));
  for (const json& model : status.value("models", json::array())) {
    out += fmt::format("model    {}: {}{}\n", text(model, "name"), text(model, "state"),
                       text(model, "problem").empty() ? "" : ", " + text(model, "problem"));
  }
  if (!status.value("accepting", true)) out += "REFUSING NEW JOBS\n";
  if (!text(status, "problem").empty()) out += "problem  " + text(status, "problem") + "\n";
  return out;
}

}  // namespace

std::string list_text(const std::string& what, const json& reply) {
  if (what == "workers") return workers_table(reply).text();
  if (what == "models") return models_table(reply).text();
  if (what == "jobs" || what == "failed_jobs") return jobs_table(reply).text();
  if (what == "partitions") return partitions_table(reply).text();
  if (what == "votes") return votes_text(reply);
  if (what == "feature_maps") return feature_maps_table(reply).text();
  return status_text(reply);
}

std::string event_text(const json& event) {
  std::string line = fmt::format("{:>9.1f} ms  {:<10}", real(event, "ms"), text(event, "event"));
  if (event.contains("partition")) line += fmt::format(" {:<8}", text(event, "partition"));
  if (event.contains("worker")) line += fmt::format(" {}", text(event, "worker"));
  if (event.contains("compute_ms")) {
    line += fmt::format("  computed in {:.1f} ms", real(event, "compute_ms"));
    if (real(event, "load_ms") > 0)
      line += fmt::format(", loaded in {:.1f} ms", real(event, "load_ms"));
  }
  if (event.contains("detail")) line += "  " + text(event, "detail");
  return line + "\n";
}

std::string timeline_text(const json& timeline) {
  std::string out;
  for (const json& event : timeline) out += event_text(event);
  return out;
}

}  // namespace hyps::cli
