// SPDX-License-Identifier: BSD-3-Clause
// DPDK's telemetry socket: commands of our own, which dpdk-telemetry.py shows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace tern::net::dpdk {

// A flat or one-level-deep object of numbers and texts, which is what DPDK's telemetry carries. What it
// cannot carry is made to fit: letters of a name other than A-Z a-z 0-9 _ / become _, so do quotes in a text,
// names and texts end after 127 bytes, and of more than 255 entries the rest is only counted, in an entry
// "omitted". A whole reply has room for about 16,000 letters, beyond which DPDK leaves entries out silently:
// page long lists by a parameter.
class TelemetryReply {
 public:
  virtual ~TelemetryReply() = default;
  virtual void number(const std::string& name, uint64_t value) = 0;
  virtual void text(const std::string& name, const std::string& value) = 0;
  // Fills an object within this one under name. Throws std::logic_error within an object.
  virtual void object(const std::string& name, const std::function<void(TelemetryReply&)>& fill) = 0;
};

using TelemetryHandler = std::function<void(const std::string& parameters, TelemetryReply& reply)>;

// A telemetry command ("/tern/counters", at most 55 letters): the handler fills the reply; parameters are
// empty when the client gave none. Called on DPDK's telemetry thread, one command at a time; where it throws,
// the client gets {"error": what the exception says}, whose first 127 letters should name the remedy. A
// command registered again has the new handler. Throws std::runtime_error when DPDK
// refuses the command.
void register_telemetry(const std::string& command, const std::string& help, TelemetryHandler handler);
// The command answers null from now on; returns when no call of its handler is under way. DPDK itself forgets
// no command, and its thread runs until Eal's end.
void unregister_telemetry(const std::string& command);

}  // namespace tern::net::dpdk
