// Aligned columns for a terminal.
#pragma once

#include <string>
#include <vector>

namespace hyps::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string text() const;  // columns two spaces apart, numbers to the right

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hyps::cli
