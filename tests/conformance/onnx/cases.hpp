// ONNX's own conformance cases: a folder each, with model.onnx and
// test_data_set_*/{in,out}put_*.pb.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.hpp"
#include "common/cnn/graph.hpp"

namespace hyps::conformance {

// Why a case is none of ours.
enum class Eligibility {
  eligible,
  other_operator,
  other_opset,
  other_type,
  other_domain,
  training
};

struct Case {
  std::string name;  // "node/test_relu"
  std::filesystem::path folder;
};

struct DataSet {
  std::vector<cnn::Tensor> inputs;
  std::vector<cnn::Tensor> outputs;
};

// The suites' cases, sorted; empty when libonnx-testdata is not installed.
std::vector<Case> all_cases();
Eligibility eligibility(const Case& test_case);
std::vector<DataSet> data_sets(const Case& test_case);

// The case's graph as the file has it: node cases take weights as inputs.
Result<cnn::Graph> load_as_is(const Case& test_case);
// The graph with every input from number `first` on turned into a weight, as in real networks.
Result<cnn::Graph> load_with_weights(const Case& test_case, const DataSet& data, std::size_t first);

// Case name → reason.
std::map<std::string, std::string> cannot_pass();

}  // namespace hyps::conformance
