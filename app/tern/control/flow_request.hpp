// SPDX-License-Identifier: BSD-3-Clause
// What /tern/flows is asked for: its parameter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stack/flows.hpp"
#include "tern/config.hpp"

namespace tern::app {

// "KEY=VALUE,KEY=VALUE", each of which narrows what is shown:
//   worker=0             of this worker only
//   from=0/4096          goes on where an answer ended: worker and position
//   state=CLOSE-WAIT     in this state
//   service=web          of this service, or checks/POOL: of a pool's health checks
//   remote=192.0.2.0/24  whose peer is there; also an address, either followed by :PORT
struct FlowRequest {
  size_t worker = 0;
  bool one_worker = false;  // not the others behind it
  uint32_t from = 0;        // position
  stack::FlowFilter filter;
};

// What bindings are called, by their numbers: see make_bindings().
std::vector<std::string> binding_names(const Config& config);

// bindings: binding_names(). Throws std::invalid_argument, whose text says what is allowed.
FlowRequest parse_flow_request(const std::string& parameter, size_t workers,
                               std::span<const std::string> bindings);
// The parameter that asks for it.
std::string to_parameter(const FlowRequest& request, std::span<const std::string> bindings);

}  // namespace tern::app
