// SPDX-License-Identifier: BSD-3-Clause
// What ternload counts: written by the worker, read by whoever reports.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/counter.hpp"
#include "tcp/tcb.hpp"
#include "ternload/histogram.hpp"

namespace tern::load {

// X(name, sentence): what may go wrong; the names are keys of the JSON output.
#define TERN_LOAD_ERRORS(X)                                              \
  X(refused, "RST answered our SYN.")                                    \
  X(reset, "RST ended the connection before its work was done.")         \
  X(timed_out, "No response in time, or nothing was acknowledged.")      \
  X(unreachable, "Nobody answered for the address, or ICMP said so.")    \
  X(no_port, "No four-tuple was free to open a connection with.")        \
  X(no_slot, "The table of connections was full.")                       \
  X(closed_early, "The server closed before its response was complete.") \
  X(http_status, "An HTTP status other than 2xx.")                       \
  X(malformed, "What came was no HTTP response.")                        \
  X(wrong_bytes, "--verify: a response's bytes, or their number, were not the expected.")

enum class Error : uint8_t {
#define TERN_MEMBER(name, help) name,
  TERN_LOAD_ERRORS(TERN_MEMBER)
#undef TERN_MEMBER
};

inline constexpr const char* kErrorNames[] = {
#define TERN_NAME(name, help) #name,
    TERN_LOAD_ERRORS(TERN_NAME)
#undef TERN_NAME
};
constexpr size_t kErrors = std::size(kErrorNames);

// X(name): the names are keys of the JSON output.
#define TERN_LOAD_COUNTS(X)                                          \
  X(connections_begun)    /* SYNs, but for those sent again */       \
  X(connections_opened)   /* handshakes done */                      \
  X(connections_finished) /* their work done, closed as asked for */ \
  X(requests_sent)                                                   \
  X(responses)      /* complete, of status 2xx */                    \
  X(bytes_sent)     /* text given to TCP */                          \
  X(bytes_received) /* text taken from TCP */                        \
  X(flood_syns)     /* SYNs from addresses that are not ours */      \
  X(busy_ns)        /* time of rounds that had something to do */

// A state of it all.
struct Snapshot {
  net::Instant at;
#define TERN_MEMBER(name) uint64_t name = 0;
  TERN_LOAD_COUNTS(TERN_MEMBER)
#undef TERN_MEMBER
  std::array<uint64_t, kErrors> errors{};
  uint64_t connections = 0;  // that are open, or opening
  uint64_t in_flight = 0;    // requests without their response
  uint64_t overdue = 0;      // open loop: what should have begun by now and has not
  Distribution latency;      // of responses, nanoseconds
  Distribution connect;      // of handshakes

  // What came between; connections, in_flight and overdue stay ours.
  Snapshot since(const Snapshot& earlier) const;
  uint64_t error_sum() const;
};

struct Tally {
#define TERN_MEMBER(name) net::Counter name;
  TERN_LOAD_COUNTS(TERN_MEMBER)
#undef TERN_MEMBER
  std::array<net::Counter, kErrors> errors;
  net::Counter connections;
  net::Counter in_flight;
  net::Counter overdue;
  Histogram latency;
  Histogram connect;

  void count(Error error) { ++errors[static_cast<size_t>(error)]; }
  Snapshot read(net::Instant now) const;
};

}  // namespace tern::load
