// What another engine made of trained networks: the best five classes of some photos.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace hyps::test {

struct RecordedScores {
  std::filesystem::path input;  // the preprocessed tensor
  std::vector<int> ids;         // best first
  std::vector<double> scores;
};

// Of one network, from the table `reference.tsv` of the folder.
inline std::vector<RecordedScores> recorded_scores(const std::filesystem::path& assets,
                                                   const std::string& model) {
  const auto fields_of = [](const std::string& text, char separator) {
    std::vector<std::string> fields;
    std::istringstream in(text);
    for (std::string field; std::getline(in, field, separator);) fields.push_back(field);
    return fields;
  };
  std::vector<RecordedScores> list;
  std::ifstream file(assets / "reference.tsv");
  for (std::string line; std::getline(file, line);) {
    const auto columns = fields_of(line, '\t');
    if (columns.size() < 8 || columns[0] != model) continue;
    RecordedScores recorded;
    recorded.input = assets / "photos" / std::filesystem::path(columns[4]).filename();
    for (const auto& id : fields_of(columns[5], ',')) recorded.ids.push_back(std::stoi(id));
    for (const auto& score : fields_of(columns[7], ',')) {
      recorded.scores.push_back(std::stod(score));
    }
    if (std::filesystem::exists(recorded.input)) list.push_back(recorded);
  }
  return list;
}

inline void expect_recorded(const RecordedScores& recorded, const nlohmann::json& answer) {
  for (std::size_t i = 0; i < recorded.ids.size(); ++i) {
    const auto& entry = answer.at("top").at(i);
    EXPECT_EQ(entry.at("id"), recorded.ids[i]) << recorded.input << ": " << answer;
    EXPECT_NEAR(entry.at("score").get<double>(), recorded.scores[i], 1e-4) << recorded.input;
  }
}

}  // namespace hyps::test
