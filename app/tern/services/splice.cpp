// SPDX-License-Identifier: BSD-3-Clause
// The proxy's moving of text: out of one connection's receive queue into the other's send queue, in the
// buffers it came in; only what is short joins what waits before it (Connection::append_text). What finds no
// room stays unread, and so closes the window of whoever sent it.
#include <utility>

#include "tern/services/proxy.hpp"

namespace tern::app {

// From one side to the other, as much as there is room for; behind the last of it the end.
void Proxy::splice(uint32_t index, Side side) {
  Session& session = sessions_[index];
  SessionSide& from = session[side];
  SessionSide& to = session[other(side)];
  if (session.phase != Phase::kJoined || to.connection == kNone || from.fin_passed) return;
  auto awake = from.connection == kNone ? std::nullopt : stack_->socket(from.connection);
  stack::Socket* sender = awake ? &*awake : nullptr;  // null too where it sleeps, having nothing to send
  auto receiver = stack_->socket(to.connection);
  if (!receiver) {  // it sleeps, and all others are busy
    if (sender != nullptr) sender->ask_again();
    return;
  }
  if (side == Side::kClient && session.header_owed) {  // the backend's, and before all text
    if (!upstream_->send_proxy_header(*receiver, &session.client)) return;
    session.header_owed = false;
  }
  while (!from.left.empty() || (sender != nullptr && sender->unread() != 0)) {
    if (receiver->send_room() == 0) return receiver->want_room();
    net::Packet packet = from.left.empty() ? sender->receive() : from.left.pop_front();
    receiver->send(packet);
    touch(session, other(side));
  }
  const bool ended = from.connection == kNone || (sender != nullptr && sender->at_end());
  if (!ended) return;
  from.fin_passed = true;
  receiver->shutdown();
  arm(index);  // other times count from now on
}

// The connection of this side has ended in order, and what it brought may still wait for room.
void Proxy::keep_left(Session& session, Side side, stack::Socket& socket) {
  while (net::Packet packet = socket.receive()) session[side].left.push_back(std::move(packet));
}

}  // namespace tern::app
