// TCP_NODELAY on the sockets of this process that are connected to a port.
#pragma once

namespace hyps::bus {

// Paho neither sets it nor shows its socket; without it a small message behind another one waits
// 40 ms for the broker's delayed acknowledgement. So the process looks through its own descriptors.
void send_without_delay(int port);

}  // namespace hyps::bus
