// SPDX-License-Identifier: BSD-3-Clause
// Connections in TIME-WAIT, apart from the others: their compact records, a table of their own, and lists in
// the order in which they end, one for each MSL that is configured. 88 bytes each, all told.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/dpdk/flow_table.hpp"
#include "net/instant.hpp"
#include "stack/local_ports.hpp"
#include "stack/path.hpp"
#include "tcp/time_wait.hpp"

namespace tern::stack {

class TimeWaits {
 public:
  struct Entry {
    Path path;
    tcp::TimeWait record;
    uint32_t next = 0;
    uint32_t previous = 0;
    net::Instant until;  // 2MSL ends
  };
  static_assert(sizeof(Entry) == 72);

  // capacity: records, the bound on their number. key: the flow table's, so that its hashes serve here.
  // profiles: those that records name, see tcp::Core. ports: which those that were lent go back to. Throws
  // std::runtime_error with the remedy when memory is short.
  TimeWaits(const std::string& name, uint32_t capacity, const net::PrfKey& key,
            std::span<const tcp::Config> profiles, LocalPorts& ports);
  ~TimeWaits();
  TimeWaits(const TimeWaits&) = delete;
  TimeWaits& operator=(const TimeWaits&) = delete;

  bool empty() const { return count_ == 0; }
  // For a walk over all: records lie at positions below this one; one that is free has a local port of 0.
  uint32_t positions() const { return table_.positions(); }
  const Entry& operator[](uint32_t position) const { return entries_[position]; }
  // Null when the tuple is not here.
  Entry* find(const net::FourTuple& tuple, uint32_t hash);
  // The tuple must not be here. False when the oldest of all had to make room.
  bool add(const Path& path, const tcp::TimeWait& record, net::Instant until);
  // Begins 2MSL anew.
  void restart(Entry& entry, net::Instant until);
  void erase(Entry& entry);
  // Takes out one that has ended by now; false when there is none.
  bool expire(net::Instant now);

  static uint64_t footprint(uint32_t capacity);

 private:
  static constexpr uint32_t kNone = 0xffffffffu;
  struct List {
    uint32_t head = kNone;
    uint32_t tail = kNone;
  };
  uint32_t index_of(const Entry& entry) const { return static_cast<uint32_t>(&entry - entries_.data()); }
  List& list_of(const Entry& entry) { return lists_[list_of_[entry.record.profile]]; }
  void append(uint32_t index);
  void unlink(uint32_t index);
  uint32_t oldest() const;

  std::span<Entry> entries_;  // EAL memory, by the table's positions: its keys
  net::dpdk::FlowTable table_;
  std::vector<List> lists_;        // by MSL
  std::vector<uint16_t> list_of_;  // by profile
  LocalPorts& ports_;
  uint32_t count_ = 0;
};

}  // namespace tern::stack
