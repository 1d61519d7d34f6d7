// SPDX-License-Identifier: BSD-3-Clause
// A pool of backends as one worker sees it: which of them are in the rotation, with which share, and which a
// new connection gets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lb/backend.hpp"
#include "lb/balancer.hpp"
#include "lb/source_table.hpp"
#include "net/instant.hpp"

namespace tern::lb {

struct PoolConfig {
  std::string name;                              // unique; a-z, 0-9 and -, at most 32 characters
  Algorithm algorithm = Algorithm::kRoundRobin;  //
  uint32_t maglev_size = 65537;                  // entries of Maglev's table, a prime
  std::vector<BackendConfig> backends;           // at least one that is no backup
  HealthConfig health;                           //
  net::Duration slow_start{};   // a backend that returns gets its full share after this; 0: at once
  net::Duration persistence{};  // a client keeps its backend so long after it was seen last; 0: not at all
  uint32_t persistence_entries = 65536;  // clients that are remembered
};

// Why there is no backend for a connection.
enum class Refusal : uint8_t {
  kNone,
  kDown,  // none is in the rotation, or all that are have been tried
  kFull,  // those that are have as many connections as they may
};

class Pool {
 public:
  // seed: of choices by chance, and secret, see SourceTable.
  Pool(const PoolConfig& config, uint64_t seed, net::Instant now);

  std::span<const Backend> backends() const { return backends_; }
  uint32_t size() const { return static_cast<uint32_t>(backends_.size()); }

  // The backend for a client, which counts as a connection of it from now until ended(); kNoBackend and the
  // reason when there is none.
  uint32_t choose(const Request& request, net::Instant now, Refusal& refusal);
  // A connection to it that no client asked for: it counts until ended().
  void began(uint32_t backend) { ++backends_[backend].connections; }
  // A connection to it is over, or was never made.
  void ended(uint32_t backend);

  // What became of a connection: it failed; the backend reset it before it had sent anything; it brought text
  // or ended in order.
  void on_connect_failure(uint32_t backend, net::Instant now);
  void on_reset(uint32_t backend, net::Instant now);
  void on_success(uint32_t backend) { backends_[backend].health.on_success(); }
  void on_check(uint32_t backend, CheckStatus status, net::Instant now);
  // A check that could not be made, which says nothing of the backend.
  void on_no_check(uint32_t backend) { ++backends_[backend].counters.checks_unmade; }
  void set_admin(uint32_t backend, Admin admin, net::Instant now);

  // Ends ejections and moves slow starts on. choose() does so itself, no later than next_change().
  void advance(net::Instant now);
  // When the next such thing is due; never() when none is.
  net::Instant next_change() const { return next_change_; }

  // How many are in the rotation.
  uint32_t up() const;
  // Memory that its tables take, in bytes: of the clients that are remembered, and Maglev's.
  static uint64_t footprint(const PoolConfig& config);

 private:
  struct Persistence {
    uint32_t backend = kNoBackend;
    net::Instant until;
    static bool pinned() { return false; }
  };
  void on_failure(Backend& backend, net::Instant now);
  void refresh(net::Instant now);
  uint32_t share_of(Backend& backend, net::Instant now);
  uint32_t keep(const Request& request, net::Instant now);

  const PoolConfig config_;
  std::vector<Backend> backends_;
  std::unique_ptr<Balancer> balancer_;
  SourceTable<Persistence> persistence_;
  net::Instant next_change_ = net::Instant::never();
};

}  // namespace tern::lb
