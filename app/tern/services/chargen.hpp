// SPDX-License-Identifier: BSD-3-Clause
// The character generator, RFC 864: lines of 72 characters, each line one further along the 95 printable
// ones, for as long as the client reads. All connections send from one block of memory.
#pragma once

#include "stack/service.hpp"

namespace tern::app {

class Chargen : public stack::Service {
 public:
  Chargen();

  void opened(stack::Socket& socket) override { generate(socket); }
  void writable(stack::Socket& socket) override { generate(socket); }
  void text(stack::Socket& socket) override { socket.skip(socket.unread()); }
  void ended(stack::Socket& socket) override { socket.close(); }

 private:
  void generate(stack::Socket& socket);

  net::dpdk::StaticPayload pattern_;
};

}  // namespace tern::app
