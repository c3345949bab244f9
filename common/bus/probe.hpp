// A plain TCP connect, to see whether somebody listens before Paho is bothered.
#pragma once

#include <string>

#include "common/base/result.hpp"

namespace hyps::bus {

Status probe(const std::string& host, int port, int timeout_ms);

}  // namespace hyps::bus
