// The shipped pictures and what they show (models/images/expected.tsv).
#pragma once

#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace hyps::test {

struct Picture {
  std::string file;
  std::string label;
  Blob bytes;
};

inline Blob blob_of(const std::filesystem::path& file) { return Blob::of(text_of(file)); }

inline std::vector<Picture> shipped_pictures() {
  std::vector<Picture> pictures;
  std::ifstream list(source("models/images/expected.tsv"));
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Picture picture;
    fields >> picture.file >> picture.label;
    picture.bytes = blob_of(source("models/images/" + picture.file));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

}  // namespace hyps::test
