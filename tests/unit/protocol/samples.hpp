// One message of every type, each field with a value of its own.
#pragma once

#include <vector>

#include "common/protocol/messages.hpp"

namespace hyps::protocol::test {

inline TaskKey sample_task() { return {JobId("j1"), PlanId("net@0badcafe"), PartitionName("v02")}; }
inline std::vector<FileRef> sample_files() {
  return {{"model.onnx", 1234, {1, 2}}, {"weights.bin", 5'000'000'000, {3, 4}}};
}
inline WorkerInfo sample_worker() {
  return {WorkerId("w1"), 0xfedcba9876543210, 256U << 20U, 4, true, "avx512", "0.1.0", 8};
}
inline std::vector<TensorRef> sample_tensors() { return {{"x", 16, {5, 6}}, {"", 0, {}}}; }
inline std::vector<Route> sample_routes() {
  return {{PartitionName("v02"), WorkerId("w1"), 7}, {PartitionName("fc6.h2"), WorkerId(), 0}};
}
inline std::vector<BundleRef> sample_bundles() {
  return {{PartitionName("v02"), sample_files()}, {PartitionName("v03"), {}}};
}

inline std::vector<Message> samples() {
  const TaskKey task = sample_task();
  const ModelName model("net");
  const Blob data = Blob::copy_of(std::string("a\0b\xff", 4));
  return {
      Hello{sample_worker()},
      Heartbeat{
          9, {task, {}}, {PartitionName("net@0badcafe/v02")}, 77, "no \"memory\"\n", 12'500'000},
      TaskDone{task, 3, sample_tensors(), 1500, 20, {5, 6}},
      TaskFailed{task, 4, true, "not an image"},
      Assign{9, {{PlanId("p"), PartitionName("v02"), "v", 99, sample_files(), 5}, {}}},
      Run{task, 6, sample_tensors(), true, {"x", ""}},
      Stored{task},
      Chunk{11, task, 6, "x", 2, 6, data, 3},
      PartPut{{7, 8}, 1 << 20, kPartBytes, data},
      PartStored{{7, 8}, kPartBytes},
      PartGet{{7, 8}, 2 * kPartBytes},
      Part{{7, 8}, 3 * kPartBytes, data},
      Refused{12, {7, 8}, 4, "not found", "no such file"},
      Deploy{13, model, sample_files(), "{}", "{\"replicas\": 3}", "throughput"},
      Remove{14, model},
      Query{15, "job", "j1"},
      Reply{16, R"({"job": "ü"})"},
      ManagerHello{"m1"},
      Snapshot{17,
               {{sample_worker(), true, false, true}, {}},
               {{model, sample_files(), "{}", "[3]", "throughput", "ready", "none",
                 PlanId("net@0badcafe"), "[]", sample_bundles(), sample_routes()},
                {}},
               {{PlanId("net@0badcafe"), PartitionName("v02")}}},
      SetPlan{model, sample_files(), "{}", sample_bundles()},
      SetRoutes{PlanId("net@0badcafe"), sample_routes(), "one worker of 64 MB"},
      ModelFailed{model, sample_files(), false, "no worker"},
      VoterHello{"v1"},
      Ballot{task,
             18,
             2,
             1,
             1e-6,
             0.1,
             {{WorkerId("w1"), 5, "avx2 0.1.0", true, sample_tensors()}, {}}},
      Verdict{task, 18, 1, {WorkerId("w1"), WorkerId("w2")}, {WorkerId("w3")}, "x differs"},
      Backup{19, "monday"},
      Replay{20, JobId("j1"), JobId("j2")},
      SayHello{},
      Damaged{{PlanId("net@0badcafe")}},
      OutputGet{21, JobId("j1"), "boxes"},
      Lacking{task, 6},
  };
}

}  // namespace hyps::protocol::test
