// SPDX-License-Identifier: BSD-3-Clause
// What all connections of one core share.
#include "tcp/core.hpp"

#include <algorithm>
#include <utility>

#include "tcp/connection.hpp"

namespace tern::tcp {

const char* state_name(State state) {
  static constexpr const char* kNames[kStates] = {
      "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
      "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
  };
  return kNames[static_cast<size_t>(state)];
}

ReassemblyPool::ReassemblyPool(uint32_t capacity) : queues_(capacity) {
  free_.reserve(capacity);
  for (uint32_t i = capacity; i != 0; --i) free_.push_back(i - 1);
}

uint32_t ReassemblyPool::allocate() {
  if (free_.empty()) return kNoReassembly;
  const uint32_t index = free_.back();
  free_.pop_back();
  return index;
}

void ReassemblyPool::release(uint32_t index) {
  queues_[index].clear();
  free_.push_back(index);
}

Core::Core(std::span<Connection> connections, std::span<const Config> profiles, const CoreLimits& core_limits,
           net::Instant t)
    : Core(connections, Slots(static_cast<uint32_t>(connections.size())), {}, profiles, profiles.size(),
           core_limits, t) {}

Core::Core(std::span<Connection> connections, Slots slots, std::span<Dormant> dormants,
           std::span<const Config> profiles, size_t services, const CoreLimits& core_limits, net::Instant t,
           std::pmr::memory_resource* memory)
    : wheel(slots.connections() + static_cast<uint32_t>(services), t, memory),
      outbox(core_limits.outbox),
      backlogs(slots.connections(), services, memory),
      reassemblies(core_limits.reassemblies),
      recoveries(core_limits.recoveries),
      congestions(core_limits.congestions, memory),
      hystarts(core_limits.hystarts),
      bbrs(core_limits.bbrs),
      extras(std::min<uint32_t>(core_limits.extras, 0xffff - static_cast<uint32_t>(profiles.size()))),
      fast_opens(services),
      fast_open_servers(core_limits.fast_open_servers),
      limits(core_limits),
      connections_(connections),
      slots_(std::move(slots)),
      dormants_(dormants),
      services_(static_cast<uint16_t>(services)),
      profiles_(static_cast<uint16_t>(profiles.size())),
      configs_(profiles.begin(), profiles.end()) {
  configs_.resize(profiles.size() + extras.capacity());
  ready.reserve(connections.size());
  narrowed.reserve(kNarrowed);
  set_now(t);
}

Extra* Connection::extra(Core& core) {
  if (tcb.extra == kNoSlot) {
    tcb.extra = core.extras.allocate();
    if (tcb.extra == kNoSlot) {
      ++core.counters.extras_refused;
      return nullptr;
    }
    core.extras[tcb.extra] = Extra{};
  }
  core.extras[tcb.extra].borrowed = false;
  return &core.extras[tcb.extra];
}

void Core::make_ready(Connection& connection) {
  ready.push_back(index_of(connection));
  connection.tcb.marks |= kMarkReady;
}

void Core::set_state(Connection& connection, State state) {
  if (connection.tcb.state != State::kClosed) --connections_in[static_cast<size_t>(connection.tcb.state)];
  if (state != State::kClosed) ++connections_in[static_cast<size_t>(state)];
  connection.tcb.state = state;
  if ((connection.tcb.hold & kHoldOrphan) != 0 && state != State::kClosing) {  // which FIN-WAIT-1 may become
    --orphans;
    connection.tcb.hold = static_cast<uint16_t>(connection.tcb.hold & ~kHoldOrphan);
  }
  const auto others = static_cast<uint16_t>(connection.tcb.hold & ~kHoldState);
  connection.tcb.hold = static_cast<uint16_t>(state == State::kEstablished ? others : others | kHoldState);
}

}  // namespace tern::tcp
