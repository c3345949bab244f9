#include "common/base/result.hpp"

namespace hyps {

const char* to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return "invalid";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::unsupported:
      return "unsupported";
    case ErrorKind::overloaded:
      return "overloaded";
    case ErrorKind::disconnected:
      return "disconnected";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::io:
      return "io";
  }
  return "unknown";
}

}  // namespace hyps
