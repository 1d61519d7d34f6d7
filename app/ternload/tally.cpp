// SPDX-License-Identifier: BSD-3-Clause
// What ternload counts.
#include "ternload/tally.hpp"

namespace tern::load {

Snapshot Tally::read(net::Instant now) const {
  Snapshot snapshot;
  snapshot.at = now;
#define TERN_READ(name) snapshot.name = (name).value();
  TERN_LOAD_COUNTS(TERN_READ)
#undef TERN_READ
  for (size_t i = 0; i < kErrors; ++i) snapshot.errors[i] = errors[i].value();
  snapshot.connections = connections.value();
  snapshot.in_flight = in_flight.value();
  snapshot.overdue = overdue.value();
  snapshot.latency = latency.read();
  snapshot.connect = connect.read();
  return snapshot;
}

Snapshot Snapshot::since(const Snapshot& earlier) const {
  Snapshot between = *this;
#define TERN_SUBTRACT(name) between.name -= earlier.name;
  TERN_LOAD_COUNTS(TERN_SUBTRACT)
#undef TERN_SUBTRACT
  for (size_t i = 0; i < kErrors; ++i) between.errors[i] -= earlier.errors[i];
  between.latency = latency.since(earlier.latency);
  between.connect = connect.since(earlier.connect);
  return between;
}

uint64_t Snapshot::error_sum() const {
  uint64_t sum = 0;
  for (const uint64_t count : errors) sum += count;
  return sum;
}

}  // namespace tern::load
