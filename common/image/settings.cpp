// Preprocess from and to YAML. Each key is one row of a table: how it is read, how it is written.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "common/image/image.hpp"

namespace hyps::image {
namespace {

constexpr std::size_t kMaxYaml = 64 * 1024;
constexpr int kMaxSize = 8192;

using Lines = std::vector<std::string>;

Error wrong(const std::string& key, const YAML::Node& value, const std::string& expected) {
  std::string got = value.IsScalar() ? fmt::format("'{}'", value.Scalar()) : "something else";
  return {ErrorKind::invalid, fmt::format("preprocess line {}: {} must be {}, not {}",
                                          value.Mark().line + 1, key, expected, got)};
}

std::optional<float> plain_number(std::string_view text) {
  float number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

// "0.5" or "1/255"
std::optional<float> number(const YAML::Node& node) {
  if (!node.IsScalar()) return std::nullopt;
  const std::string& text = node.Scalar();
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return plain_number(text);
  const auto above = plain_number(std::string_view(text).substr(0, slash));
  const auto below = plain_number(std::string_view(text).substr(slash + 1));
  if (!above || !below || !std::isfinite(*above / *below)) return std::nullopt;
  return *above / *below;
}

// One number, or a list of one to three.
std::optional<std::vector<float>> numbers(const YAML::Node& node) {
  if (node.IsScalar()) {
    const auto one = number(node);
    if (!one) return std::nullopt;
    return std::vector<float>{*one};
  }
  if (!node.IsSequence() || node.size() < 1 || node.size() > 3) return std::nullopt;
  std::vector<float> all;
  for (const auto& element : node) {
    const auto one = number(element);
    if (!one) return std::nullopt;
    all.push_back(*one);
  }
  return all;
}

Result<std::string> choice(const std::string& key, const YAML::Node& node, const Lines& choices) {
  for (const std::string& each : choices) {
    if (node.IsScalar() && node.Scalar() == each) return each;
  }
  return wrong(key, node, fmt::format("{}", fmt::join(choices, ", ")));
}

Status read_resize(const std::string& key, const YAML::Node& node, Preprocess& out) {
  HYPS_TRY(const std::string word, choice(key, node, {"shorter_side", "stretch", "none"}));
  out.resize = word == "none"      ? Preprocess::Resize::none
               : word == "stretch" ? Preprocess::Resize::stretch
                                   : Preprocess::Resize::shorter_side;
  return {};
}

Status read_size(const std::string& key, const YAML::Node& node, Preprocess& out) {
  int size = -1;
  if (!YAML::convert<int>::decode(node, size) || size < 0 || size > kMaxSize) {
    return wrong(key, node, fmt::format("a whole number from 0 to {}", kMaxSize));
  }
  out.size = size;
  return {};
}

Status read_center_crop(const std::string& key, const YAML::Node& node, Preprocess& out) {
  HYPS_TRY(const std::string word, choice(key, node, {"true", "false"}));
  out.center_crop = word == "true";
  return {};
}

Status read_channels(const std::string& key, const YAML::Node& node, Preprocess& out) {
  HYPS_TRY(const std::string word, choice(key, node, {"rgb", "bgr", "gray"}));
  out.bgr = word == "bgr";
  out.gray = word == "gray";
  return {};
}

Status read_layout(const std::string& key, const YAML::Node& node, Preprocess& out) {
  HYPS_TRY(const std::string word, choice(key, node, {"nchw", "nhwc"}));
  out.channels_last = word == "nhwc";
  return {};
}

Status read_scale(const std::string& key, const YAML::Node& node, Preprocess& out) {
  const auto value = number(node);
  if (!value) return wrong(key, node, "a number or a fraction such as 1/255");
  out.scale = *value;
  return {};
}

Status read_mean(const std::string& key, const YAML::Node& node, Preprocess& out) {
  const auto values = numbers(node);
  if (!values) return wrong(key, node, "a number or a list of up to three");
  out.mean = *values;
  return {};
}

Status read_deviation(const std::string& key, const YAML::Node& node, Preprocess& out) {
  const auto values = numbers(node);
  const auto is_zero = [](float value) { return value == 0; };
  if (!values || std::any_of(values->begin(), values->end(), is_zero)) {
    return wrong(key, node, "a number or a list of up to three, none of them 0");
  }
  out.deviation = *values;
  return {};
}

struct Key {
  const char* name;
  Status (*read)(const std::string&, const YAML::Node&, Preprocess&);
};
constexpr Key kKeys[] = {
    {"resize", read_resize},       {"size", read_size},     {"center_crop", read_center_crop},
    {"channels", read_channels},   {"scale", read_scale},   {"mean", read_mean},
    {"deviation", read_deviation}, {"layout", read_layout},
};

Status read_entry(const YAML::Node& name, const YAML::Node& value, Preprocess& out) {
  const std::string key = name.IsScalar() ? name.Scalar() : "";
  Lines known;
  for (const Key& each : kKeys) {
    if (key == each.name) return each.read(key, value, out);
    known.emplace_back(each.name);
  }
  return Error{ErrorKind::invalid, fmt::format("preprocess line {}: unknown key '{}'; known are {}",
                                               name.Mark().line + 1, key, fmt::join(known, ", "))};
}

Result<Preprocess> read_all(const YAML::Node& root) {
  Preprocess out;
  if (root.IsNull()) return out;
  if (!root.IsMap()) {
    return Error{ErrorKind::invalid, "preprocess: expected lines of the form 'key: value'"};
  }
  // ImageNet's means are those of three colours; a gray picture has none unless they are given.
  const YAML::Node channels = root["channels"];
  if (channels.IsDefined() && channels.IsScalar() && channels.Scalar() == "gray") {
    out.mean = {0};
    out.deviation = {1};
  }
  for (const auto& entry : root) HYPS_CHECK(read_entry(entry.first, entry.second, out));
  const std::size_t channel_count = out.gray ? 1 : 3;
  for (const auto* list : {&out.mean, &out.deviation}) {
    if (list->size() != 1 && list->size() != channel_count) {
      return Error{ErrorKind::invalid,
                   fmt::format("preprocess: mean and deviation need 1 or {} numbers, not {}",
                               channel_count, list->size())};
    }
  }
  return out;
}

}  // namespace

Result<Preprocess> parse_preprocess(const std::string& yaml) {
  if (yaml.size() > kMaxYaml) {
    return Error{ErrorKind::invalid, fmt::format("preprocess: {} bytes are too many for settings; "
                                                 "is this the right file?",
                                                 yaml.size())};
  }
  try {
    return read_all(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    return Error{ErrorKind::invalid,
                 fmt::format("preprocess line {}: {}", error.mark.line + 1, error.msg)};
  }
}

std::string to_yaml(const Preprocess& settings) {
  const char* resize = settings.resize == Preprocess::Resize::none      ? "none"
                       : settings.resize == Preprocess::Resize::stretch ? "stretch"
                                                                        : "shorter_side";
  const std::string size = settings.size ? fmt::format("size: {}\n", *settings.size) : "";
  return fmt::format(
      "resize: {}\n{}center_crop: {}\nchannels: {}\nscale: {}\nmean: [{}]\n"
      "deviation: [{}]\nlayout: {}\n",
      resize, size, settings.center_crop,
      settings.gray  ? "gray"
      : settings.bgr ? "bgr"
                     : "rgb",
      settings.scale, fmt::join(settings.mean, ", "), fmt::join(settings.deviation, ", "),
      settings.channels_last ? "nhwc" : "nchw");
}

}  // namespace hyps::image
