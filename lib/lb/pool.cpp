// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker sees it.
#include "lb/pool.hpp"

#include <algorithm>

namespace tern::lb {

namespace {
// Slow start goes in steps of a tenth: a table of Maglev's is made at each.
constexpr uint32_t kSteps = 10;
}  // namespace

Pool::Pool(const PoolConfig& config, uint64_t seed, net::Instant now)
    : config_(config),
      backends_(config.backends.size()),
      balancer_(make_balancer({config.algorithm, config.maglev_size, seed})),
      persistence_(config.persistence > net::Duration::zero() ? config.persistence_entries : 1, mix(~seed)) {
  for (size_t i = 0; i < backends_.size(); ++i) {
    backends_[i].config = config_.backends[i];
    backends_[i].health = Health(config_.health);
  }
  refresh(now);
  balancer_->rebuild(backends_);
}

uint64_t Pool::footprint(const PoolConfig& config) {
  const bool persistent = config.persistence > net::Duration::zero();
  return (persistent ? SourceTable<Persistence>::footprint(config.persistence_entries) : 0) +
         (config.algorithm == Algorithm::kMaglev ? uint64_t{config.maglev_size} * sizeof(uint16_t) : 0);
}

// What slow start leaves of a backend's weight, in steps, had it all the backends to itself.
uint32_t Pool::share_of(Backend& backend, net::Instant now) {
  if (!backend.slow) return backend.config.weight * kSteps;
  const net::Duration step = config_.slow_start / kSteps;
  const auto steps = static_cast<uint32_t>((now - backend.up_since) / step) + 1;
  if (steps >= kSteps) {
    backend.slow = false;
    return backend.config.weight * kSteps;
  }
  next_change_ = std::min(next_change_, backend.up_since + step * steps);
  return backend.config.weight * steps;
}

// Settles who is in the rotation, and tells the algorithm when that is news.
void Pool::refresh(net::Instant now) {
  next_change_ = net::Instant::never();
  bool primary = false;
  for (Backend& backend : backends_) {
    const bool up = backend.current() == BackendState::kUp;
    if (up && !backend.was_up && config_.slow_start > net::Duration::zero() &&
        backend.counters.went_down.value() != 0) {
      backend.slow = true;
      backend.up_since = now;
    }
    if (!up && backend.was_up && backend.current() == BackendState::kDown) ++backend.counters.went_down;
    if (!up) backend.slow = false;
    backend.was_up = up;
    primary = primary || (up && !backend.config.backup && backend.config.weight != 0);
    next_change_ = std::min(next_change_, backend.health.ejected_until());
    backend.state.set(static_cast<uint64_t>(backend.current()));
    backend.check.set(static_cast<uint64_t>(backend.health.last()));
  }
  bool changed = false;
  for (Backend& backend : backends_) {
    const bool serves = backend.was_up && !(primary && backend.config.backup);
    const uint32_t share = serves ? share_of(backend, now) : 0;
    changed = changed || share != backend.share;
    backend.share = share;
  }
  if (changed) balancer_->rebuild(backends_);
}

void Pool::advance(net::Instant now) {
  if (now < next_change_) return;
  for (Backend& backend : backends_) backend.health.advance(now);
  refresh(now);
}

uint32_t Pool::choose(const Request& request, net::Instant now, Refusal& refusal) {
  advance(now);
  uint32_t backend = keep(request, now);
  if (backend == kNoBackend) backend = balancer_->choose(backends_, request);
  if (backend == kNoBackend) {
    const bool full =
        std::ranges::any_of(backends_, [](const Backend& b) { return b.share != 0 && b.full(); });
    refusal = full ? Refusal::kFull : Refusal::kDown;
    return kNoBackend;
  }
  refusal = Refusal::kNone;
  ++backends_[backend].connections;
  ++backends_[backend].counters.chosen;
  if (config_.persistence > net::Duration::zero()) {
    if (Persistence* entry = persistence_.find_or_add(request.source, now))
      *entry = {backend, now + config_.persistence};
  }
  return backend;
}

// The backend that the client had before, if it may have it again.
uint32_t Pool::keep(const Request& request, net::Instant now) {
  if (config_.persistence == net::Duration::zero()) return kNoBackend;
  const Persistence* entry = persistence_.find(request.source, now);
  if (entry == nullptr || entry->until <= now || !takes(backends_, entry->backend, request))
    return kNoBackend;
  return entry->backend;
}

void Pool::ended(uint32_t backend) { --backends_[backend].connections; }

void Pool::on_connect_failure(uint32_t backend, net::Instant now) {
  ++backends_[backend].counters.failed;
  on_failure(backends_[backend], now);
}

void Pool::on_reset(uint32_t backend, net::Instant now) {
  ++backends_[backend].counters.reset;
  on_failure(backends_[backend], now);
}

void Pool::on_failure(Backend& backend, net::Instant now) {
  if (!backend.health.on_failure(now)) return;
  ++backend.counters.ejections;
  refresh(now);
}

void Pool::on_check(uint32_t backend, CheckStatus status, net::Instant now) {
  Backend& it = backends_[backend];
  ++it.counters.checks;
  if (!passed(status)) ++it.counters.checks_failed;
  it.health.on_check(status);
  refresh(now);
}

void Pool::set_admin(uint32_t backend, Admin admin, net::Instant now) {
  backends_[backend].admin = admin;
  refresh(now);
}

uint32_t Pool::up() const {
  return static_cast<uint32_t>(
      std::ranges::count_if(backends_, [](const Backend& backend) { return backend.share != 0; }));
}

}  // namespace tern::lb
