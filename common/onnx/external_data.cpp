#include "common/onnx/external_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "common/base/file.hpp"

namespace hyps::onnx {

namespace {

namespace fs = std::filesystem;

Result<std::size_t> parse_size(const std::string& key, const std::string& text) {
  std::size_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code != std::errc{} || stop != end) {
    return Error{ErrorKind::invalid, fmt::format("external data: {} is no number of bytes", key)};
  }
  return value;
}

Error leaves_folder(const std::string& location) {
  return {ErrorKind::invalid,
          fmt::format("external data '{}' is outside the model's folder; put the file beside the "
                      "model",
                      location)};
}

Status check_location(const std::string& location) {
  const fs::path path(location);
  if (location.empty() || location.find('\0') != std::string::npos) {
    return Error{ErrorKind::invalid, "external data: the location is missing"};
  }
  const bool climbs =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (path.is_absolute() || climbs) return leaves_folder(location);
  return {};
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  const auto [in_folder, in_path] =
      std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return in_folder == folder.end() && in_path != path.end();
}

// The real path of a location. Symbolic links may lead anywhere within the folder, not out of it.
Result<fs::path> resolve(const fs::path& model_folder, const std::string& location) {
  std::error_code code;
  const fs::path folder = fs::canonical(model_folder.empty() ? "." : model_folder, code);
  const fs::path path = code ? fs::path{} : fs::canonical(folder / location, code);
  if (code) {
    return Error{ErrorKind::not_found, fmt::format("external data '{}' cannot be opened in {}: {}",
                                                   location, folder.string(), code.message())};
  }
  if (!is_inside(path, folder)) return leaves_folder(location);
  if (!fs::is_regular_file(path, code)) {
    return Error{ErrorKind::invalid, fmt::format("external data '{}' is no file", location)};
  }
  return path;
}

}  // namespace

bool is_external(const ::onnx::TensorProto& proto) {
  return proto.data_location() == ::onnx::TensorProto::EXTERNAL;
}

Result<ExternalPlace> external_place(const ::onnx::TensorProto& proto) {
  ExternalPlace place;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") place.location = entry.value();
    if (entry.key() == "offset") {
      HYPS_TRY(place.offset, parse_size("offset", entry.value()));
    }
    if (entry.key() == "length") {
      HYPS_TRY(place.length, parse_size("length", entry.value()));
    }
  }
  HYPS_CHECK(check_location(place.location));
  return place;
}

Result<cnn::Tensor> ExternalFiles::tensor(const ::onnx::TensorProto& proto) {
  HYPS_TRY(const TensorForm form, form_of(proto));
  HYPS_TRY(const ExternalPlace place, external_place(proto));
  HYPS_TRY(const Blob file, mapped(place.location));
  const std::size_t needed = form.bytes();
  if (place.length.value_or(needed) != needed) {
    return Error{ErrorKind::invalid,
                 fmt::format("external data '{}': length {} given, but shape {} of {} needs {}",
                             place.location, *place.length, cnn::to_string(form.shape),
                             cnn::to_string(form.type), needed)};
  }
  if (place.offset > file.size() || file.size() - place.offset < needed) {
    return Error{ErrorKind::invalid,
                 fmt::format("external data '{}': {} bytes at offset {} are outside the file of {} "
                             "bytes; it may be truncated",
                             place.location, needed, place.offset, file.size())};
  }
  return tensor_over(form, file.slice(place.offset, needed));
}

Result<Blob> ExternalFiles::mapped(const std::string& location) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  HYPS_TRY(const fs::path path, resolve(folder_, location));
  HYPS_TRY(Blob file, map_file(path));
  files_.emplace(location, file);
  return file;
}

}  // namespace hyps::onnx
