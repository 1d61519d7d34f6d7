// SPDX-License-Identifier: BSD-3-Clause
// The names of errors.
#include "tcp/error.hpp"

#include <cstddef>

namespace tern::tcp {

const char* to_string(Error error) {
  static constexpr const char* kNames[] = {
      "0",
      "EAGAIN",
      "EPIPE",
      "ECONNRESET",
      "ECONNABORTED",
      "ETIMEDOUT",
      "ECONNREFUSED",
      "EHOSTUNREACH",
      "ENETUNREACH",
      "EADDRINUSE",
      "EADDRNOTAVAIL",
      "ENOBUFS",
      "EINVAL",
      "ENOTCONN",
      "EISCONN",
  };
  return kNames[static_cast<size_t>(error)];
}

Error error_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::kResetByPeer:
      return Error::kConnectionReset;
    case CloseReason::kAborted:
      return Error::kConnectionAborted;
    case CloseReason::kTimedOut:
      return Error::kTimedOut;
    case CloseReason::kRefused:
      return Error::kConnectionRefused;
    case CloseReason::kUnreachable:
      return Error::kHostUnreachable;
    case CloseReason::kNetworkUnreachable:
      return Error::kNetworkUnreachable;
    case CloseReason::kNone:
    case CloseReason::kFinished:
      break;
  }
  return Error::kNone;
}

}  // namespace tern::tcp
