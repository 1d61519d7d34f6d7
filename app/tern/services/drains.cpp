// SPDX-License-Identifier: BSD-3-Clause
// The proxy service: what becomes of clients that are left when the time of a drain is over, of their backend
// or of the service.
#include <algorithm>

#include "tern/services/proxy.hpp"

namespace tern::app {

namespace {
// Sessions that are looked at in one round, so that other connections need not wait.
constexpr uint32_t kLookAtOnce = 4096;

bool is_over(const Upstream& upstream, uint32_t backend, net::Instant now) {
  return upstream.pool.backends()[backend].admin != lb::Admin::kReady &&
         upstream.wanted[backend].until.load(std::memory_order_relaxed) <= now;
}
}  // namespace

void Proxy::tend_drains() {
  if (!any_left_over()) return;
  const uint32_t end = std::min(looked_at_ + kLookAtOnce, sessions_.capacity());
  for (; looked_at_ < end; ++looked_at_) {
    if (is_left_over(sessions_[looked_at_])) this->end(looked_at_, counters_.drain_timeouts);
  }
  if (looked_at_ == sessions_.capacity()) {
    looked_at_ = 0;
  } else {
    next_tending_ = stack_->now();
  }
}

bool Proxy::any_left_over() const {
  if (sessions_.in_use() == 0) return false;
  if (draining() && drain_ends_.load(std::memory_order_relaxed) <= stack_->now()) return true;
  for (uint32_t backend = 0; backend < upstream_->pool.size(); ++backend) {
    if (upstream_->pool.backends()[backend].connections.value() != 0 &&
        is_over(*upstream_, backend, stack_->now()))
      return true;
  }
  return false;
}

// Connections that are being opened are left to their own time.
bool Proxy::is_left_over(Session& session) const {
  if (session[Side::kClient].connection == kNone && session[Side::kServer].connection == kNone) return false;
  if (session.phase == Phase::kJoined && is_over(*upstream_, session.backend, stack_->now())) return true;
  const bool over = draining() && drain_ends_.load(std::memory_order_relaxed) <= stack_->now();
  return over && (session.phase == Phase::kHeader || session.phase == Phase::kWaiting ||
                  session.phase == Phase::kConnecting || session.phase == Phase::kJoined);
}

}  // namespace tern::app
