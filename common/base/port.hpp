// Ports of this machine.
#pragma once

#include "common/base/result.hpp"

namespace hyps {

// One of the loopback that nobody listens on, below those the kernel gives to clients, so that no
// outgoing connection takes it before its finder does.
Result<int> free_port();

}  // namespace hyps
