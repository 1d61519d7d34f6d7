// SPDX-License-Identifier: BSD-3-Clause
// The connections one by one, for /tern/flows: what ss -ti is to the kernel's.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "net/dpdk/telemetry.hpp"
#include "stack/worker.hpp"
#include "tern/control/flow_request.hpp"

namespace tern::app {

// As many flows as one reply of telemetry has room for, whatever their figures are.
constexpr uint32_t kFlowsInReply = 12;

// Fills in "next", the parameter that goes on from here, empty where nothing is left, and an object for each
// flow by its "WORKER/POSITION". Of a search that finds little the reply may hold few flows, or none, and a
// next all the same: it ends after a tenth of a second. Throws std::runtime_error when a worker does not
// answer.
void show_flows(std::span<const std::unique_ptr<stack::Worker>> workers, FlowRequest request,
                std::span<const std::string> bindings, net::dpdk::TelemetryReply& reply);
// The figures of one. bindings: binding_names().
void show_flow(const stack::Flow& flow, std::span<const std::string> bindings,
               net::dpdk::TelemetryReply& reply);

}  // namespace tern::app
