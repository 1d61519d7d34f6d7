// SPDX-License-Identifier: BSD-3-Clause
// How long the http service waits for a request: RFC 9112 section 9.5, RFC 9110 section 15.5.9.
#include <bit>

#include "tern/services/http.hpp"

namespace tern::app {

void Http::begin_waiting(uint32_t connection, net::Instant now) {
  const bool was_empty = waiting_->next().is_never();
  waiting_->begin(connection, now);
  if (was_empty) stack_->wake_at(waiting_->next());
}

void Http::due() {
  const net::Instant now = stack_->now();
  while (const auto connection = waiting_->take_expired(now)) {
    std::optional<stack::Socket> socket = stack_->socket(*connection);
    if (socket) {
      end_waiting(*socket);
    } else {
      waiting_->begin(*connection, now);  // it cannot be reached now
    }
  }
  if (const net::Instant next = waiting_->next(); !next.is_never()) stack_->wake_at(next);
}

// Closes the connection, with a word about it where the client has begun to ask (408).
void Http::end_waiting(stack::Socket& socket) {
  auto progress = std::bit_cast<Progress>(socket.user());
  const tcp::Info info = socket.info();
  if (progress.remaining != 0 || info.unsent != 0 || info.flight != 0) {  // it still gets its last answer
    return waiting_->begin(socket.index(), socket.now());
  }
  if (progress.closing != 0) return socket.abort();  // it has its last answer, and does not close
  if (socket.unread() != 0) {
    HttpRequest request;
    request.persistent = false;
    respond(socket, progress, "408 Request Timeout", 0, "text/plain; charset=utf-8", request, {});
  }
  progress.closing = 1;
  socket.user() = std::bit_cast<uint64_t>(progress);
  waiting_->begin(socket.index(), socket.now());  // once more, for its FIN
  serve(socket);
}

}  // namespace tern::app
