// Keys of the configuration that several services have, and what their defaults stand for.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.hpp"
#include "common/runtime/config.hpp"

namespace hyps::service {

void declare_log_level(runtime::Schema& schema, std::string* level);
// "auto", "on" or "off"; see Compressor.
void declare_compression(runtime::Schema& schema, std::string* compression);
Status check_id(const std::string& id);
// hyps/<id> in the user's cache folder.
std::filesystem::path cache_folder(const std::string& id);

}  // namespace hyps::service
