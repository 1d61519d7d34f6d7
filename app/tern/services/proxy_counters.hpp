// SPDX-License-Identifier: BSD-3-Clause
// What a proxy service counts, one line each; refusals by limits are lb::LimitCounters.
#pragma once

#include "net/counter.hpp"

namespace tern::app {

// X(name, unit, sentence)
#define TERN_PROXY_COUNTERS(X)                                                                              \
  X(sessions, "connections", "Clients' connections taken, whatever became of them.")                        \
  X(joined, "connections", "Clients that were joined with a backend.")                                      \
  X(retries, "connections", "Connections to another backend after one had failed.")                         \
  X(connect_timeouts, "connections", "Backends given up because they did not answer in time.")              \
  X(ports_exhausted, "connections", "Times that a backend could not be reached for want of a free port.")   \
  X(refused_down, "connections", "Clients reset because no backend was to be had.")                         \
  X(refused_retries, "connections", "Clients reset because as many backends as allowed had failed.")        \
  X(refused_memory, "connections", "Clients reset for want of a session, or of a place in the flow table.") \
  X(refused_draining, "connections", "Refused, each SYN, because the service is being drained.")            \
  X(queued, "connections", "Clients that waited for a backend because all were full.")                      \
  X(queue_timeouts, "connections", "Clients reset because they had waited too long.")                       \
  X(queue_overflows, "connections", "Clients reset because too many were waiting.")                         \
  X(headers_accepted, "connections", "PROXY headers that trusted clients sent.")                            \
  X(headers_malformed, "connections", "Clients reset because what they sent is no PROXY header.")           \
  X(headers_timed_out, "connections", "Clients reset because their PROXY header did not come in time.")     \
  X(resets_by_clients, "connections", "Joined connections that the client's side ended by RST, or lost.")   \
  X(resets_by_backends, "connections", "Joined connections that the backend's side ended by RST, or lost.") \
  X(client_timeouts, "connections", "Joined connections reset because the client had been idle too long.")  \
  X(server_timeouts, "connections", "Joined connections reset because the backend had been idle too long.") \
  X(fin_timeouts, "connections", "Half-closed connections reset because one side had been idle too long.")  \
  X(drain_timeouts, "connections", "Clients reset because a drain's time was over.")                        \
  X(spares, "connections", "Gauge: connections to backends, open or opening, that have no client yet.")     \
  X(spares_opened, "connections", "Connections to backends opened ahead of clients.")                       \
  X(spares_used, "connections", "Of these, those given to a client.")                                       \
  X(spares_died, "connections", "Of these, those that the backend ended while they waited.")                \
  X(spares_aged, "connections", "Of these, those that nobody wanted in time.")                              \
  X(spares_late, "connections", "Of those used, those that the backend had just ended: another was opened.")

struct ProxyCounters {
  TERN_COUNTERS_OF(TERN_PROXY_COUNTERS)
};

}  // namespace tern::app
