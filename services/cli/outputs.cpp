#include "services/cli/outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "common/base/file.hpp"
#include "common/cnn/graph.hpp"
#include "common/cnn/limits.hpp"
#include "common/cnn/npy.hpp"
#include "services/cli/table.hpp"

namespace hyps::cli {

namespace {

using nlohmann::json;

Result<cnn::DType> type_named(const std::string& name) {
  using cnn::DType;
  for (const DType type : {DType::f32, DType::i64, DType::i32, DType::u8, DType::boolean}) {
    if (name == cnn::to_string(type)) return type;
  }
  return Error{ErrorKind::unsupported, "'" + name + "' is a type of a newer hub"};
}

// The answer's list of outputs.
Result<std::vector<cnn::Value>> outputs_of(const json& reply, const std::string& job) {
  const std::string state = reply.value("state", "");
  if (state == "failed") {
    return Error{ErrorKind::invalid, "job " + job + " failed: " + reply.value("error", "")};
  }
  if (state != "done") {
    return Error{ErrorKind::invalid, "job " + job + " is not finished yet, it is " + state};
  }
  std::vector<cnn::Value> outputs;
  try {
    for (const json& entry : reply.at("answer").at("outputs")) {
      cnn::Value value;
      value.name = entry.at("name").get<std::string>();
      HYPS_TRY(value.type, type_named(entry.at("type").get<std::string>()));
      value.shape = entry.at("shape").get<cnn::Shape>();
      const std::string fault = cnn::shape_fault(value.shape, value.type);
      if (!fault.empty()) return Error{ErrorKind::corrupt, value.name + ": " + fault};
      outputs.push_back(std::move(value));
    }
  } catch (const json::exception& problem) {
    return Error{ErrorKind::corrupt,
                 "the answer of job " + job + " names no outputs: " + problem.what()};
  }
  return outputs;
}

Result<cnn::Tensor> fetch(Client& client, const std::string& job, const cnn::Value& output) {
  const auto bytes = static_cast<std::size_t>(output.bytes());
  HYPS_TRY(const Blob data, client.output(job, output.name, bytes));
  if (data.size() == bytes) return cnn::Tensor{output.type, output.shape, data};
  return Error{ErrorKind::corrupt, fmt::format("'{}' of job {} has {} bytes and should have {}",
                                               output.name, job, data.size(), bytes)};
}

Status make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return Error{ErrorKind::io, "cannot create " + folder + ": " + error.message()};
}

}  // namespace

std::vector<std::string> file_names(const std::vector<std::string>& tensors) {
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (const std::string& tensor : tensors) {
    constexpr std::size_t kLongest = 200;
    std::string stem = tensor.substr(0, kLongest);
    for (char& c : stem) {
      const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 && (c & 0x80) == 0;
      if (!plain && c != '.' && c != '_' && c != '-') c = '_';
    }
    if (stem.empty() || stem[0] == '.') stem.insert(0, "_");
    std::string name = stem;
    for (int number = 2; !taken.insert(name).second; ++number) {
      name = fmt::format("{}_{}", stem, number);
    }
    names.push_back(name);
  }
  return names;
}

Result<int> get_outputs(const Cli& cli, Client& client, const std::string& job,
                        const std::string& folder) {
  HYPS_TRY(const json reply, client.query("job", job));
  HYPS_TRY(const auto outputs, outputs_of(reply, job));
  HYPS_CHECK(make_folder(folder));
  std::vector<std::string> tensors;
  for (const cnn::Value& output : outputs) tensors.push_back(output.name);
  const auto names = file_names(tensors);
  Table table({"OUTPUT", "TYPE", "SHAPE", "FILE"});
  json written = json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const cnn::Value& output = outputs[i];
    HYPS_TRY(const cnn::Tensor tensor, fetch(client, job, output));
    const std::string file = (std::filesystem::path(folder) / (names[i] + ".npy")).string();
    HYPS_CHECK(write_file(file, cnn::to_npy(tensor)));
    table.add({output.name, cnn::to_string(output.type), cnn::to_string(output.shape), file});
    written.push_back({{"name", output.name},
                       {"type", cnn::to_string(output.type)},
                       {"shape", output.shape},
                       {"file", file}});
  }
  fmt::print("{}", cli.json() ? written.dump(2) + "\n" : table.text());
  return kOk;
}

}  // namespace hyps::cli
