// SPDX-License-Identifier: BSD-3-Clause
// The echo service, RFC 862: what comes is sent back, in the buffers it came in.
#pragma once

#include "stack/service.hpp"

namespace tern::app {

class Echo : public stack::Service {
 public:
  void text(stack::Socket& socket) override { give_back(socket); }
  void writable(stack::Socket& socket) override { give_back(socket); }
  void ended(stack::Socket& socket) override { give_back(socket); }

 private:
  // What finds no room stays unread, which closes the peer's window.
  static void give_back(stack::Socket& socket) {
    while (socket.unread() != 0) {
      if (socket.send_room() == 0) return socket.want_room();
      net::Packet packet = socket.receive();
      socket.send(packet);
    }
    if (socket.at_end()) socket.close();
  }
};

}  // namespace tern::app
