// SPDX-License-Identifier: BSD-3-Clause
// What must hold of a connection whenever its core has done with a burst, whatever was thrown at it.
//
// Ladders, two ends and the fuzzer all ask, after every event. No GoogleTest here: the fuzzer does not link
// it.
#pragma once

#include "tcp/connection.hpp"
#include "tcp/core.hpp"

namespace tern::test {

// What is remembered of a connection between two looks at it.
struct Watch {
  bool begun = false;
  tcp::Seq edge;  // RCV.NXT + RCV.WND
  tcp::Seq una;
};

// A rule of RFC 9293 or of our own design that the connection breaks, as a sentence; null when it breaks
// none. To be asked after emit() with an empty ready list.
const char* broken_rule(const tcp::Connection& connection, tcp::Core& core, Watch& watch);

// Whether nothing is in a profile's queues, and its service has been told of nothing that goes on.
bool idle(const tcp::Backlog& backlog);

// Buffers that the connection keeps: unread, out of order, unacknowledged.
uint64_t buffers_of(const tcp::Connection& connection, tcp::Core& core);

}  // namespace tern::test
