// SPDX-License-Identifier: BSD-3-Clause
// tern's commands on DPDK's telemetry socket, for dpdk-telemetry.py and whatever else speaks to it.
#pragma once

#include "tern/appliance.hpp"

namespace tern::app {

// /tern/counters[,WORKER]     every counter, in groups: stack, tcp, drops; with a proxy proxy and limits too
// /tern/connections[,WORKER]  connections by state
// /tern/services[,WORKER]     of each service: connections half open, waiting to be accepted, served
// /tern/pools[,WORKER]        of each backend of each pool: state, last check, connections, counters
// /tern/outgoing[,WORKER]     local ports left to each backend
// /tern/flows[,PARAMETER]     each connection with its figures, a page at a time: see flow_request.hpp
// /tern/ports                 each port's own statistics
// /tern/drain,NAME            no new connections to a backend ("pool/backend") or of a proxy
// /tern/maint,NAME            the same of a backend, and no checks
// /tern/ready,NAME            back into service
//
// WORKER: a number from 0; without it all workers are added up. What is wrong with a parameter is said in
// "error", with what is allowed.
class Telemetry {
 public:
  // appliance must outlive this.
  explicit Telemetry(const Appliance& appliance);
  ~Telemetry();
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
};

}  // namespace tern::app
