// SPDX-License-Identifier: BSD-3-Clause
// What all connections of one core share: the time, the wheel, the outbox, the counters, the bound on memory.
//
// Owned by the core's worker, or by a test; passed to every function of Connection that needs it, so that a
// connection itself holds no pointer to anything.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <vector>

#include "net/counter.hpp"
#include "net/instant.hpp"
#include "net/packet.hpp"
#include "tcp/backlog.hpp"
#include "tcp/bbr.hpp"
#include "tcp/config.hpp"
#include "tcp/congestion.hpp"
#include "tcp/counters.hpp"
#include "tcp/dormant.hpp"
#include "tcp/extra.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/hystart.hpp"
#include "tcp/outbox.hpp"
#include "tcp/pool.hpp"
#include "tcp/reassembly.hpp"
#include "tcp/recovery.hpp"
#include "tcp/slots.hpp"
#include "tcp/tcb.hpp"
#include "tcp/timer_wheel.hpp"

namespace tern::tcp {

class Connection;

// Reassembly queues for the few connections that need one.
class ReassemblyPool {
 public:
  explicit ReassemblyPool(uint32_t capacity);
  uint32_t allocate();  // kNoReassembly when all are in use
  void release(uint32_t index);
  Reassembly& operator[](uint32_t index) { return queues_[index]; }
  const Reassembly& operator[](uint32_t index) const { return queues_[index]; }
  uint32_t in_use() const { return static_cast<uint32_t>(queues_.size() - free_.size()); }

 private:
  std::vector<Reassembly> queues_;
  std::vector<uint32_t> free_;
};

struct CoreLimits {
  uint32_t reassemblies = 1024;  // connections that may hold out-of-order text at once
  uint32_t recoveries = 1024;    // connections that may keep a scoreboard at once
  uint32_t hystarts = 1024;      // connections whose first slow start may be watched at once
  uint32_t bbrs = 0;             // connections that may use BBR at once; more use NewReno
  uint32_t congestions = 4096;   // connections that may remember their losses at once
  uint32_t extras = 4096;        // connections that may have options of their own, or rare features, at once
  uint32_t fast_open_servers = 256;  // servers whose Fast Open cookies are remembered
  uint32_t orphans = 8192;  // connections that their users have closed and that are not all acknowledged yet
  uint32_t outbox = 256;    // segments per burst
  uint64_t tuned_bytes =
      64 << 20;  // by which receive buffers may have grown beyond their initial size, all told
  uint64_t held_packets = 1 << 20;  // buffers that connections may keep: unread, out of order, unacknowledged
};

class Core {
 public:
  // connections: one for each index, all of them awake for good. profiles: one Config per service.
  Core(std::span<Connection> connections, std::span<const Config> profiles, const CoreLimits& limits,
       net::Instant now);
  // connections: slots for so many as may be awake at once, of so many indices. dormants: one for each index,
  // or none where there are as many slots. profiles: for each service the Config of connections that it
  // accepts; behind these, if there are twice as many as services, that of those that it opens. memory: where
  // what there is for each connection lies.
  Core(std::span<Connection> connections, Slots slots, std::span<Dormant> dormants,
       std::span<const Config> profiles, size_t services, const CoreLimits& limits, net::Instant now,
       std::pmr::memory_resource* memory = std::pmr::get_default_resource());

  // The time for everything until the next call; at most once per poll.
  void set_now(net::Instant t) {
    now = t;
    ts_now = static_cast<uint32_t>(t.milliseconds());
    coarse_now = static_cast<uint32_t>(t.ns >> kCoarseShift);
    duplicate.connection = kNobody;
  }

  // Of one that is awake: from open() or wake() on, while it has marks or anything to do.
  Connection& connection(uint32_t index);
  bool awake(uint32_t index) const { return slots_.slot_of(index) != kNoSlot; }
  // A closed connection for an index that has none, until its release(); null, and counted, when all who are
  // awake are busy.
  Connection* open(uint32_t index);
  // The connection, woken if it sleeps; null, and counted, when all who are awake are busy: then what wanted
  // it is to be treated as lost.
  Connection* wake(uint32_t index);
  // What there is to say of a connection, awake or asleep, which it stays.
  Info info(uint32_t index) const;
  // The wheel's node of this index has fired.
  void time_out(uint32_t index);
  // Whether there may be more connections than are awake.
  bool may_sleep() const { return !dormants_.empty(); }
  // Whether somebody fell asleep.
  bool put_one_to_sleep();
  // Fetch the memory of a connection that is wanted soon, in two steps.
  void prefetch_slot(uint32_t index) const {
    slots_.prefetch(index);
    wheel.prefetch(index);
  }
  void prefetch(uint32_t index) const;
  uint32_t index_of(const Connection& connection) const;
  const Config& config(const Connection& connection) const;
  // A service's Config. Connections without options of their own follow a change of it at once.
  Config& profile(uint16_t index) { return configs_[index]; }
  uint16_t profiles() const { return profiles_; }
  // That of connections which the service opens; of those that it accepts it is the service's own number.
  uint16_t opening_profile(uint16_t service) const { return static_cast<uint16_t>(services_ + service); }
  // The profile that the connection was opened under, whatever options it has chosen since.
  uint16_t profile_of(const Connection& connection) const;
  // Whose profile it is.
  uint16_t service_of(uint16_t profile) const {
    return profile < services_ ? profile : static_cast<uint16_t>(profile - services_);
  }
  uint16_t service_of(const Connection& connection) const;

  // Adds marks and puts the connection on the ready list, once.
  [[gnu::always_inline]] void mark(Connection& connection, uint16_t marks);
  // The accept call: of the connections that wait for this service, the one that has done so longest is its
  // own from now on. kNoSlot when none waits. Connections within Config::max_connections need no call.
  uint32_t accept(uint16_t service);
  // Moves the connection's gauge from state to state and keeps its hold bit right.
  void set_state(Connection& connection, State state);

  // Whether connections hold so many buffers that text must be refused; out-of-order text is refused a little
  // earlier, since only text in order can free what is held.
  bool pressed() const { return held_packets >= limits.held_packets; }
  bool pressed_for_reassembly() const {
    return held_packets >= limits.held_packets - limits.held_packets / 8;
  }
  // A packet that connections need no more: freed with the rest at the end of the poll.
  void release(net::Packet packet) {
    --held_packets;
    released.push_back(std::move(packet));
  }

  net::Instant now;
  uint32_t ts_now = 0;  // milliseconds, the clock of our timestamps
  // The same in steps of 2^22 ns (4.2 ms), which fit 32 bits for 208 days.
  static constexpr int kCoarseShift = 22;
  uint32_t coarse_now = 0;
  Counters counters;
  std::array<net::Counter, kStates> connections_in;  // gauges, by State
  net::Counter orphans;                              // gauge, see CoreLimits
  TimerWheel wheel;                                  // a node per connection, then one per service
  Outbox outbox;
  std::vector<uint32_t> ready;  // indices; each once, see kMarkReady
  Backlogs backlogs;
  ReassemblyPool reassemblies;
  Pool<Recovery> recoveries;
  Pool<CongestionState> congestions;
  Pool<HyStart> hystarts;
  Pool<BbrState> bbrs;
  Pool<Extra> extras;
  std::vector<FastOpenPending> fast_opens;  // by Agreement::listener, one per service
  FastOpenCache fast_open_servers;
  net::PacketQueue released;
  // Connections whose path was found to take less, for whoever remembers paths, and clears it.
  static constexpr size_t kNarrowed = 64;
  std::vector<uint32_t> narrowed;
  // Text of this burst that had been received before, to be reported once (RFC 2883). One for all
  // connections: a report that another's displaces is merely not made.
  static constexpr uint32_t kNobody = 0xffffffffu;
  struct {
    uint32_t connection = kNobody;  // index
    SackBlock text;
  } duplicate;
  uint64_t held_packets = 0;
  uint64_t tuned_bytes = 0;  // by which receive buffers have grown
  const CoreLimits limits;

 private:
  friend class Connection;

  // What is left of mark() and wake() for the first mark of a round, and for one that sleeps.
  [[gnu::noinline]] void make_ready(Connection& connection);
  [[gnu::noinline]] Connection* rouse(uint32_t index);
  void prefetch_next_to_sleep();

  std::span<Connection> connections_;  // by slot
  Slots slots_;
  std::span<Dormant> dormants_;  // by index
  uint16_t services_;
  uint16_t profiles_;
  std::vector<Config> configs_;  // the services', then those of single connections by their slots of extras
};

}  // namespace tern::tcp
