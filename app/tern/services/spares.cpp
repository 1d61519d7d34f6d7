// SPDX-License-Identifier: BSD-3-Clause
// The proxy service: connections to backends that are opened ahead of clients. Each is a session that has no
// client yet, and counts as a connection of its backend.
#include <algorithm>

#include "tern/services/proxy.hpp"

namespace tern::app {

// Drops what is not wanted any more, and opens what is missing.
void Proxy::tend_spares() {
  for (uint32_t backend = 0; backend < spares_.size(); ++backend) {
    SessionList& ready = spares_[backend].ready;
    while (!wants_spares(backend) && !ready.empty()) drop_spare(ready.front(), nullptr);
    fill_spares(backend);
  }
}

// Clients that wait for a place are worth more than those to come.
bool Proxy::wants_spares(uint32_t backend) const {
  return !draining() && upstream_->waiting == 0 && upstream_->pool.backends()[backend].share != 0;
}

void Proxy::fill_spares(uint32_t backend) {
  const auto missing = [&] {
    return spares_[backend].held < config_.spares && !upstream_->pool.backends()[backend].full();
  };
  while (wants_spares(backend) && missing() && open_spare(backend)) {
  }
}

bool Proxy::open_spare(uint32_t backend) {
  const uint32_t index = sessions_.allocate();
  if (index == kNone) return false;
  stack::Opened server;
  if (upstream_->connect(*stack_, backend, word_of(index, Side::kServer), server) != tcp::Error::kNone) {
    sessions_.release(index);
    return false;
  }
  upstream_->pool.began(backend);
  Session& session = sessions_[index];
  session.backend = backend;
  session[Side::kServer].connection = server.index;
  session.phase = Phase::kOpening;
  limit(index, config_.connect_timeout);
  ++spares_[backend].held;
  ++counters_.spares;
  ++counters_.spares_opened;
  return true;
}

void Proxy::spare_opened(uint32_t index) {
  Session& session = sessions_[index];
  session.phase = Phase::kSpare;
  spares_[session.backend].ready.push_back(index);
  limit(index, config_.spare_age);
}

// Joins a client with the oldest spare connection to the backend; false when there is none. counted: whether
// the pool has counted the client already.
bool Proxy::take_spare(uint32_t index, uint32_t backend, bool counted) {
  if (spares_.empty() || sessions_[index].again) return false;
  SessionList& ready = spares_[backend].ready;
  while (!ready.empty()) {
    const uint32_t spare = ready.front();
    const uint32_t connection = sessions_[spare][Side::kServer].connection;
    auto server = stack_->socket(connection);
    if (!server) return false;  // it sleeps, and all others are busy
    // Its end may have come in this very round, and not been told of yet.
    if (server->peer_closed() || server->close_reason() != tcp::CloseReason::kNone) {
      drop_spare(spare, &counters_.spares_died);
      continue;
    }
    leave_spares(spare);
    forget(spare);
    if (counted) upstream_->pool.ended(backend);  // the client is counted in its place
    ++counters_.spares_used;
    server->user() = word_of(index, Side::kServer);
    unlimit(index);
    sessions_[index].backend = backend;
    sessions_[index].spare = true;
    sessions_[index][Side::kServer].connection = connection;
    join(index);
    fill_spares(backend);
    return true;
  }
  return false;
}

// The same where all backends are full, of spare connections among others: from whichever has one.
bool Proxy::take_any_spare(uint32_t index) {
  Session& session = sessions_[index];
  const auto tried = std::span(session.tried).first(session.attempts);
  for (uint32_t backend = 0; backend < spares_.size(); ++backend) {
    if (upstream_->pool.backends()[backend].share == 0 || std::ranges::find(tried, backend) != tried.end())
      continue;
    if (take_spare(index, backend, false)) return true;
  }
  return false;
}

// The backend's FIN was under way when the client got this connection. It acknowledges nothing that the
// client has sent since, so none of it had reached the backend when that closed: it goes, this once, to a
// connection that is opened for it.
bool Proxy::leave_late_spare(uint32_t index, stack::Socket& server) {
  Session& session = sessions_[index];
  SessionSide& client = session[Side::kClient];
  if (session.phase != Phase::kJoined || !session.spare || session.server_spoke || client.connection == kNone)
    return false;
  net::PacketQueue text;
  if (!server.withdraw(text)) return false;
  ++counters_.spares_late;
  server.user() = 0;
  upstream_->pool.ended(session.backend);
  session[Side::kServer] = SessionSide{};
  text.splice_back(std::move(client.left));
  client.left = std::move(text);
  client.fin_passed = false;
  session.spare = false;
  session.again = true;
  session.attempts = 0;
  seek_backend(index);
  return true;
}

// reason: a counter, or null.
void Proxy::drop_spare(uint32_t index, net::Counter* reason) {
  if (reason != nullptr) ++*reason;
  leave_spares(index);
  unlimit(index);
  sessions_[index].phase = Phase::kEnding;
  abort(index, Side::kServer);
}

// It is no spare connection any more.
void Proxy::leave_spares(uint32_t index) {
  const Session& session = sessions_[index];
  Spares& spares = spares_[session.backend];
  if (session.phase == Phase::kSpare) spares.ready.remove(index);
  --spares.held;
  counters_.spares.subtract(1);
}

// ending: tern is, for nobody else has ended it.
void Proxy::spare_closed(uint32_t index, bool ending) {
  Session& session = sessions_[index];
  if (session.phase == Phase::kOpening && !ending)
    upstream_->pool.on_connect_failure(session.backend, stack_->now());
  if (session.phase == Phase::kSpare && !ending) ++counters_.spares_died;
  leave_spares(index);
  session.phase = Phase::kEnding;
}

}  // namespace tern::app
