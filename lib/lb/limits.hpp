// SPDX-License-Identifier: BSD-3-Clause
// Who may connect to a service, how often and how many at once.
#pragma once

#include <cstdint>

#include "lb/prefix_table.hpp"
#include "lb/source_table.hpp"
#include "net/address.hpp"
#include "net/counter.hpp"
#include "net/instant.hpp"

namespace tern::lb {

// All of one worker: with several, each bounds its own.
struct LimitsConfig {
  AccessList access;
  uint32_t per_source = 0;     // connections at once from an address; 0: no limit
  uint32_t per_prefix = 0;     // connections at once from a prefix; 0: no limit
  uint8_t prefix_length = 24;  // of such a prefix
  uint32_t rate = 0;           // new connections a second from an address; 0: no limit
  uint32_t burst = 0;          // more than that which may come at once; 0: as many as a second's
  uint32_t sources = 65536;    // addresses that are remembered
  bool any() const { return !access.empty() || per_source != 0 || per_prefix != 0 || rate != 0; }
};

// X(name, unit, sentence)
#define TERN_LB_LIMIT_COUNTERS(X)                                                                        \
  X(refused_access, "connections", "Refused, each SYN, because the client's address is not allowed.")    \
  X(refused_source, "connections",                                                                       \
    "Refused, each SYN, because the client's address has as many open as it may.")                       \
  X(refused_prefix, "connections",                                                                       \
    "Refused, each SYN, because the client's network has as many open as it may.")                       \
  X(refused_rate, "connections", "Refused, each SYN, because the client's address opens them too fast.") \
  X(sources_overflowed, "connections", "Admitted though no place was left to count them by address.")

struct LimitCounters {
  TERN_COUNTERS_OF(TERN_LB_LIMIT_COUNTERS)
};

// A token bucket in one number: when it will be full again (the virtual scheduling of ITU-T I.371's GCRA).
class TokenBucket {
 public:
  // Whether there is a token. rate: tokens a second, not 0; burst: how many it holds, not 0.
  bool holds_one(uint32_t rate, uint32_t burst, net::Instant now) const;
  // Takes one, if there is one.
  bool take(uint32_t rate, uint32_t burst, net::Instant now);

 private:
  net::Instant full_at_;
};

class Limits {
 public:
  // seed: secret, see SourceTable.
  Limits(const LimitsConfig& config, uint64_t seed);

  // Whether a new connection from here would be admitted now; a reason is counted where not. Changes nothing,
  // so that SYNs, whose source may be forged, use up nobody's share.
  bool allows(net::Ipv4Address source, net::Instant now);
  // The same for one that has proved its address: it is counted until released().
  bool admit(net::Ipv4Address source, net::Instant now);
  void released(net::Ipv4Address source, net::Instant now);

  const LimitCounters& counters() const { return counters_; }
  // Memory that its tables take, in bytes.
  static uint64_t footprint(const LimitsConfig& config);

 private:
  struct Source {
    uint32_t connections = 0;
    TokenBucket bucket;
    bool pinned() const { return connections != 0; }
  };
  net::Ipv4Address prefix_of(net::Ipv4Address source) const;
  static void release(SourceTable<Source>& table, net::Ipv4Address address, net::Instant now);

  LimitsConfig config_;
  bool any_;  // false: everybody is welcome, and nobody is looked up
  SourceTable<Source> sources_;
  SourceTable<Source> prefixes_;
  LimitCounters counters_;
};

}  // namespace tern::lb
