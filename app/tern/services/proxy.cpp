// SPDX-License-Identifier: BSD-3-Clause
// The proxy service: how a session begins, finds its backend and ends.
#include "tern/services/proxy.hpp"

#include <algorithm>

namespace tern::app {

Proxy::Proxy(const ProxyConfig& config, std::shared_ptr<Upstream> upstream, uint32_t sessions, uint64_t seed,
             net::Instant now)
    : config_(config),
      upstream_(std::move(upstream)),
      sessions_(sessions),
      timers_(sessions, now),
      limits_(config.limits, seed) {
  if (config_.spares == 0) return;
  spares_.reserve(upstream_->pool.size());
  for (uint32_t i = 0; i < upstream_->pool.size(); ++i) spares_.push_back({sessions_.list()});
}

// --- What the worker tells
// ----------------------------------------------------------------------------------------

void Proxy::attach(stack::Stack& stack) {
  stack_ = &stack;
  stack.wake_at(stack.now());
}

stack::Admission Proxy::admits(const net::FourTuple& tuple) {
  if (draining()) {
    ++counters_.refused_draining;
  } else if (limits_.allows(tuple.remote, stack_->now())) {
    return stack::Admission::kAdmitted;
  }
  return config_.refuse_silently ? stack::Admission::kSilent : stack::Admission::kReset;
}

void Proxy::opened(stack::Socket& socket) {
  if (socket.user() == 0) return take_client(socket);
  const uint32_t index = session_of(socket.user());
  sessions_[index].phase == Phase::kOpening ? spare_opened(index) : join(index);
}

void Proxy::text(stack::Socket& socket) {
  if (socket.user() == 0) return socket.skip(socket.unread());
  const uint32_t index = session_of(socket.user());
  const Side side = side_of(socket.user());
  Session& session = sessions_[index];
  if (session.phase == Phase::kHeader) return read_header(index, socket);
  if (session.phase == Phase::kSpare) return;  // its client will read it
  touch(session, side);
  if (side == Side::kServer && !session.server_spoke) {
    session.server_spoke = true;
    upstream_->pool.on_success(session.backend);
  }
  splice(index, side);
}

void Proxy::ended(stack::Socket& socket) {
  if (socket.user() == 0) return;
  const uint32_t index = session_of(socket.user());
  if (sessions_[index].phase == Phase::kHeader) return read_header(index, socket);
  if (sessions_[index].phase == Phase::kSpare) return drop_spare(index, &counters_.spares_died);
  if (side_of(socket.user()) == Side::kServer && leave_late_spare(index, socket)) return;
  touch(sessions_[index], side_of(socket.user()));
  splice(index, side_of(socket.user()));
}

void Proxy::writable(stack::Socket& socket) {
  if (socket.user() == 0) return;
  const uint32_t index = session_of(socket.user());
  touch(sessions_[index], side_of(socket.user()));
  splice(index, other(side_of(socket.user())));
}

void Proxy::closed(stack::Socket& socket) {
  if (socket.user() == 0) return;
  const uint32_t index = session_of(socket.user());
  const Side side = side_of(socket.user());
  sessions_[index][side].connection = kNone;
  side == Side::kClient ? client_closed(index, socket) : server_closed(index, socket);
  release_if_over(index);
  serve_waiting();  // its place may have come free
}

// --- How a session begins
// -----------------------------------------------------------------------------------------

void Proxy::take_client(stack::Socket& client) {
  ++counters_.sessions;
  const net::FourTuple& tuple = stack_->tuple(client.index());
  if (!limits_.admit(tuple.remote, stack_->now())) return client.abort();
  const uint32_t index = sessions_.allocate();
  if (index == kNone) {
    limits_.released(tuple.remote, stack_->now());
    ++counters_.refused_memory;
    return client.abort();
  }
  Session& session = sessions_[index];
  session[Side::kClient].connection = client.index();
  session.client = tuple;
  session.peer = tuple.remote;
  client.user() = word_of(index, Side::kClient);
  if (config_.accept_proxy && config_.trusted.allows(tuple.remote)) {
    session.phase = Phase::kHeader;
    limit(index, config_.connect_timeout);
  } else {
    seek_backend(index);
  }
}

// What a trusted client sends first says who the client is.
void Proxy::read_header(uint32_t index, stack::Socket& client) {
  const std::span<const uint8_t> bytes = std::span(header_).first(client.peek(header_));
  lb::ProxyHeader header;
  uint32_t length = 0;
  const lb::ProxyParse outcome = lb::parse_proxy_header(bytes, header, length);
  const bool whole_is_here = client.peer_closed() || client.full();
  if (outcome == lb::ProxyParse::kIncomplete && !whole_is_here) return;
  if (outcome != lb::ProxyParse::kDone) return end(index, counters_.headers_malformed);
  ++counters_.headers_accepted;
  client.skip(length);
  Session& session = sessions_[index];
  if (header.proxied)
    session.client = {header.destination, header.source, header.destination_port, header.source_port};
  unlimit(index);
  seek_backend(index);
}

// Who is new waits behind those who wait already, whatever has come free meanwhile.
void Proxy::seek_backend(uint32_t index) {
  const bool is_new = sessions_[index].attempts == 0;
  if (!(is_new && upstream_->waiting != 0) && find_backend(index)) return;
  if (waiting_.size() >= config_.queue_length) return end(index, counters_.queue_overflows);
  ++counters_.queued;
  sessions_[index].phase = Phase::kWaiting;
  ++upstream_->waiting;
  waiting_.push_back(index);
  limit(index, config_.queue_timeout);
  wake();
}

// Those behind one for whom there is no place wait for their turn.
void Proxy::serve_waiting() {
  while (!waiting_.empty() && find_backend(waiting_.front())) {
  }
}

// Begins to connect to a backend, or ends the session; false when all are full.
bool Proxy::find_backend(uint32_t index) {
  Session& session = sessions_[index];
  const uint32_t most = std::min(config_.retries + 1, kMostAttempts);
  while (session.attempts < most) {
    lb::Refusal refusal = lb::Refusal::kNone;
    const lb::Request request{session.client.remote, std::span(session.tried).first(session.attempts)};
    const uint32_t backend = upstream_->pool.choose(request, stack_->now(), refusal);
    if (refusal == lb::Refusal::kFull) return take_any_spare(index);
    if (refusal == lb::Refusal::kDown) break;
    if (session.attempts != 0) ++counters_.retries;
    session.tried[session.attempts++] = static_cast<uint16_t>(backend);
    if (take_spare(index, backend, true)) return true;
    stack::Opened server;
    const tcp::Error error = upstream_->connect(*stack_, backend, word_of(index, Side::kServer), server);
    if (error == tcp::Error::kNone) {
      unlimit(index);
      session.backend = backend;
      session[Side::kServer].connection = server.index;
      session.phase = Phase::kConnecting;
      limit(index, config_.connect_timeout);
      return true;
    }
    upstream_->pool.ended(backend);
    if (error == tcp::Error::kNoBuffers) return end(index, counters_.refused_memory), true;
    if (error == tcp::Error::kAddressNotAvailable) ++counters_.ports_exhausted;
  }
  end(index, session.attempts == 0 ? counters_.refused_down : counters_.refused_retries);
  return true;
}

// The backend has answered, or had done so before.
void Proxy::join(uint32_t index) {
  Session& session = sessions_[index];
  unlimit(index);
  session.phase = Phase::kJoined;
  if (!session.again) {
    session.header_owed = true;
    ++counters_.joined;
  }
  touch(session, Side::kClient);
  touch(session, Side::kServer);
  arm(index);
  splice(index, Side::kClient);
  splice(index, Side::kServer);
}

// --- How a session ends
// -------------------------------------------------------------------------------------------

void Proxy::client_closed(uint32_t index, stack::Socket& client) {
  Session& session = sessions_[index];
  limits_.released(session.peer, stack_->now());
  if (session.phase == Phase::kJoined && client.close_reason() == tcp::CloseReason::kFinished) {
    keep_left(session, Side::kClient, client);
    return splice(index, Side::kClient);
  }
  if (session.phase == Phase::kEnding) return;
  const bool ending = client.close_reason() == tcp::CloseReason::kAborted;  // tern is: nobody reset it
  if (session.phase == Phase::kJoined && !ending) ++counters_.resets_by_clients;
  unlimit(index);
  session.phase = Phase::kEnding;
  abort(index, Side::kServer);
}

void Proxy::server_closed(uint32_t index, stack::Socket& server) {
  Session& session = sessions_[index];
  lb::Pool& pool = upstream_->pool;
  const tcp::CloseReason reason = server.close_reason();
  pool.ended(session.backend);
  if (session.phase == Phase::kOpening || session.phase == Phase::kSpare) {
    spare_closed(index, reason == tcp::CloseReason::kAborted && !session.deadline.is_never());
  } else if (session.phase == Phase::kConnecting && reason == tcp::CloseReason::kAborted &&
             !session.deadline.is_never()) {
    unlimit(index);  // tern is ending, for it was not its time that ran out
    session.phase = Phase::kEnding;
    abort(index, Side::kClient);
  } else if (session.phase == Phase::kConnecting) {
    unlimit(index);
    pool.on_connect_failure(session.backend, stack_->now());
    seek_backend(index);
  } else if (session.phase == Phase::kJoined && reason == tcp::CloseReason::kFinished) {
    if (!session.server_spoke) pool.on_success(session.backend);
    keep_left(session, Side::kServer, server);
    splice(index, Side::kServer);
  } else if (session.phase == Phase::kJoined) {
    const bool ending = reason == tcp::CloseReason::kAborted;  // tern is, as above
    if (!ending) ++counters_.resets_by_backends;
    if (!ending && !session.server_spoke) pool.on_reset(session.backend, stack_->now());
    session.phase = Phase::kEnding;
    abort(index, Side::kClient);
  }
}

// Both sides are reset; closed() follows for each that there is.
void Proxy::end(uint32_t index, net::Counter& reason) {
  Session& session = sessions_[index];
  ++reason;
  unlimit(index);
  session.phase = Phase::kEnding;
  abort(index, Side::kClient);
  abort(index, Side::kServer);
}

// One that cannot be woken now is tried again when its time comes.
void Proxy::abort(uint32_t index, Side side) {
  const uint32_t connection = sessions_[index][side].connection;
  if (connection == kNone) return;
  if (auto socket = stack_->socket(connection)) return socket->abort();
  if (sessions_[index].deadline.is_never()) limit(index, config_.connect_timeout);
}

void Proxy::release_if_over(uint32_t index) {
  Session& session = sessions_[index];
  if (session[Side::kClient].connection != kNone || session[Side::kServer].connection != kNone) return;
  unlimit(index);
  forget(index);
}

void Proxy::forget(uint32_t index) {
  timers_.disarm(index);
  sessions_.release(index);
}

}  // namespace tern::app
