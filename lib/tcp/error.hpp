// SPDX-License-Identifier: BSD-3-Clause
// What a call can fail with, named as errno names it: RFC 9293 section 3.9.1 asks that the user is told, not
// in which words. docs/sockets.md says which call fails with what.
#pragma once

#include <cstdint>

#include "tcp/tcb.hpp"

namespace tern::tcp {

enum class Error : uint8_t {
  kNone,
  kAgain,                // EAGAIN: nothing to read, or no room to write; the service will be told
  kPipe,                 // EPIPE: the user has closed this direction
  kConnectionReset,      // ECONNRESET: by the peer
  kConnectionAborted,    // ECONNABORTED: by us
  kTimedOut,             // ETIMEDOUT: R2, the user timeout or the keep-alive's limit was reached
  kConnectionRefused,    // ECONNREFUSED: RST in answer to our SYN
  kHostUnreachable,      // EHOSTUNREACH: nobody on the link answers for the address, or a router said so
  kNetworkUnreachable,   // ENETUNREACH: no port of ours is on the address's network
  kAddressInUse,         // EADDRINUSE: the address and port, or the four-tuple, are taken
  kAddressNotAvailable,  // EADDRNOTAVAIL: the local address is not ours, or no local port is free
  kNoBuffers,            // ENOBUFS: the flow table, or the pool that the call needs, is used up
  kInvalid,              // EINVAL: an argument out of its range
  kNotConnected,         // ENOTCONN: the handshake is not done
  kIsConnected,          // EISCONN: too late for what was asked
};

// "EAGAIN"; for kNone "0".
const char* to_string(Error error);
// What a connection that has ended for this reason answers to calls; kNone after an orderly end.
Error error_of(CloseReason reason);

}  // namespace tern::tcp
