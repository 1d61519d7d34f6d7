// SPDX-License-Identifier: BSD-3-Clause
// The discard service, RFC 863: what comes is thrown away.
#pragma once

#include "stack/service.hpp"

namespace tern::app {

class Discard : public stack::Service {
 public:
  void text(stack::Socket& socket) override { socket.skip(socket.unread()); }
  void ended(stack::Socket& socket) override { socket.close(); }
};

}  // namespace tern::app
