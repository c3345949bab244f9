// Bytes as hexadecimal text, for MQTT correlation data inside JSON.
#pragma once

#include <string>
#include <string_view>

namespace hyps::hub {

std::string to_hex(std::string_view bytes);
std::string from_hex(std::string_view text);  // what is no digit counts as 0

}  // namespace hyps::hub
