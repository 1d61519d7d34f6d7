// SPDX-License-Identifier: BSD-3-Clause
// One core's stack. poll_once() is the way of a frame, phase by phase; see the README.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/dpdk/clock.hpp"
#include "net/dpdk/doorbell.hpp"
#include "net/dpdk/eal.hpp"
#include "net/dpdk/flow_table.hpp"
#include "net/dpdk/frame.hpp"
#include "net/drop.hpp"
#include "stack/counters.hpp"
#include "stack/egress.hpp"
#include "stack/flows.hpp"
#include "stack/footprint.hpp"
#include "stack/idle.hpp"
#include "stack/ingress.hpp"
#include "stack/listeners.hpp"
#include "stack/local_ports.hpp"
#include "stack/neighbours.hpp"
#include "stack/opener.hpp"
#include "stack/path.hpp"
#include "stack/path_mtus.hpp"
#include "stack/service.hpp"
#include "stack/steering.hpp"
#include "stack/time_waits.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/syn_cookie.hpp"

namespace tern::stack {

// A configured service on this core: its settings, where it listens, and the object that serves.
struct Binding {
  tcp::Config config;
  std::vector<ListenAddress> listen;
  std::unique_ptr<Service> service;
  std::optional<tcp::Config> outgoing = {};  // of the connections that it opens; none: config
};

struct WorkerOptions {
  std::string name;  // of memory that it reserves, unique in the process
  uint32_t max_connections = 100'000;
  // Of these, how many may do something at a time; the others sleep, see tcp::Dormant. 0: see Footprint.
  uint32_t busy_connections = 0;
  uint32_t max_time_waits = 0;  // records of TIME-WAIT, besides; 0: as many as connections
  IdleMode idle = IdleMode::kAdaptive;
  net::Duration longest_sleep = std::chrono::microseconds(150);  // where frames do not wake it
  net::PrfKey cookie_secret{};                                   // the same for all workers
  // Of Fast Open: the first makes cookies, the second is still good. None: from the cookies' secret.
  std::vector<net::PrfKey> fast_open_keys;
  net::PrfKey table_secret{};
  net::PrfKey isn_secret{};
  uint32_t max_orphans = 8192;      // see tcp::CoreLimits
  uint32_t receive_reserve = 4096;  // buffers of the receive pool that connections must leave to the ports
  SteeringSeat seat;                // among the other workers
};

// On cache lines of its own: what one worker writes lies on no line that another one reads.
class alignas(64) Worker {
 public:
  // receive: the pool that the attachments' queues receive into, and services allocate from; headers: see
  // Egress. Throws std::runtime_error with the remedy when memory is short.
  Worker(WorkerOptions options, std::vector<Attachment> attachments, std::vector<Binding> bindings,
         net::dpdk::FramePool& receive, net::dpdk::FramePool& headers, const net::dpdk::Clock& clock);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Tells each link where our addresses are (RFC 5227 section 2.3). Once, before the first poll.
  void announce();
  // Polls until stop is set, then resets what is open.
  void run(const std::atomic<bool>& stop);
  // From any thread: no new connections are taken from now on, SYNs are answered by RST; what is open goes
  // on.
  void drain() { draining_.store(true, std::memory_order_relaxed); }
  // From any thread: run() looks at stop within a round, also where it sleeps.
  void wake() { doorbell_.ring(); }
  // One round at this time, which never goes back; returns whether there was anything to do.
  bool poll_once(net::Instant now);

  // --- Calls, between rounds only; docs/sockets.md ---
  // Takes connections to this address for the binding of that number. kInvalid: port 0, or no such binding;
  // kAddressNotAvailable: no port has the address; kAddressInUse: somebody listens there.
  tcp::Error listen(ListenAddress where, uint16_t binding);
  // Opens a connection to an address on one of our networks, served by the binding of that number: opened()
  // follows, or closed() with the reason. A local address of 0 is chosen by the network (RFC 9293 MUST-44), a
  // local port of 0 from 32768 up; opened tells the choice. text: the first to send; where the
  // binding's configuration has Fast Open it may leave with the SYN. kInvalid: remote port 0, or no such
  // binding; kNetworkUnreachable, kAddressNotAvailable (not ours there, or no port is free), kAddressInUse
  // (the four-tuple has a connection, also one in TIME-WAIT unless the reuse_time_wait of what the binding
  // opens lets it),
  // kNoBuffers (the flow table is full).
  tcp::Error connect(net::FourTuple tuple, uint16_t binding, net::Packet text = {}, Opened* opened = nullptr);
  // A connection of which its service has not heard closed() yet, by its Socket's index. Nothing when it
  // sleeps and all that may be awake are busy. It stays awake until the round's end, whatever else is woken.
  std::optional<Socket> socket(uint32_t index) {
    tcp::Connection* connection = core_.wake(index);
    if (connection == nullptr) return std::nullopt;
    core_.mark(*connection, 0);  // nobody falls asleep who is ready
    return Socket(*connection, core_, receive_pool_);
  }
  // How many local ports are left toward the tuple's remote address and port, from its local address, or
  // where that is 0 from the one that the network chooses.
  PortsLeft ports_left(net::FourTuple tuple) const;
  // The station of an address on one of our networks; nothing while it is asked for. For frames of the
  // caller's own.
  std::optional<net::MacAddress> next_hop(net::Ipv4Address remote);
  // Tells the binding's service of the connection that has waited longest; for bindings whose max_connections
  // is 0 or used up. False when none waits (EAGAIN).
  bool accept(uint16_t binding);

  // Sends RST to every connection and forgets it.
  void abort_all();

  // --- Looking at connections one by one ---
  // From any one thread at a time: asks run(), which answers between two rounds, and waits. Null when it did
  // not within this time; the answer is good until the next question.
  const FlowPiece* ask_for_flows(const FlowQuery& query, net::Duration patience);
  // The answer itself; between rounds only.
  void find_flows(const FlowQuery& query, FlowPiece& piece) const;

  // Written by this worker's core only; any thread may read.
  const Counters& counters() const { return counters_; }
  const net::DropCounters& drops() const { return drops_; }
  const tcp::Counters& tcp_counters() const { return core_.counters; }
  const std::array<net::Counter, tcp::kStates>& connections_in() const { return core_.connections_in; }

  // The queues in front of the service of a binding's number.
  const tcp::Backlog& backlog(uint16_t binding) const { return core_.backlogs[binding]; }

 private:
  // The worker as one of its services sees it.
  class ServiceStack;

  uint8_t attachment_count() const { return static_cast<uint8_t>(attachments_.size()); }
  uint32_t arrive(uint8_t attachment);
  void on_icmp_errors();
  void limit_path(uint32_t index);
  void remember_paths();
  void on_hit(Arrival& arrival, uint32_t index);
  void on_strangers(uint8_t attachment, std::span<Arrival> arrivals, std::span<const uint32_t> hashes,
                    std::span<const uint8_t> strangers);
  void on_stranger(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener* listener,
                   const net::PrfBlock& seal);
  void on_syn(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
              const net::PrfBlock& seal);
  bool open_fast(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                 const tcp::FastOpenOption& answer);
  bool queue_syn(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                 const tcp::FastOpenOption& fast_open);
  bool takes_cookies(const tcp::Listener& listener) const;
  int32_t insert(const net::FourTuple& tuple, uint32_t hash);
  int32_t place(const net::FourTuple& tuple, uint32_t hash);
  bool is_free(const net::FourTuple& tuple, uint16_t profile, uint32_t& hash);
  void give_up_time_wait(const net::FourTuple& tuple, uint32_t hash);
  bool choose_port(net::FourTuple& tuple, uint16_t profile, uint32_t& hash);
  bool open_passive(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                    const net::PrfBlock& seal);
  void reset_stranger(uint8_t attachment, Arrival& arrival);
  void serve(uint32_t index);
  void time_out();
  void emit();
  void forget(uint32_t index);
  bool abort(uint32_t index);
  void retire(uint32_t index);
  bool on_time_wait(Arrival& arrival, TimeWaits::Entry& entry);
  net::Packet take_text(Arrival& arrival);
  void rest(net::Duration longest);
  void answer_flows();
  bool look_at(uint32_t position, const FlowFilter& filter, Flow& flow) const;

  const WorkerOptions options_;
  std::vector<Attachment> attachments_;
  std::vector<Binding> bindings_;
  std::vector<std::unique_ptr<Stack>> stacks_;  // by binding
  std::vector<Service*> services_;              // by profile
  std::vector<tcp::Config> profiles_;           // bindings' configs, then those of what they open
  const net::dpdk::Clock& clock_;
  net::dpdk::FramePool& receive_pool_;

  Counters counters_;
  net::DropCounters drops_;
  net::dpdk::EalMemory memory_;
  std::span<tcp::Connection> slots_;  // EAL memory: connections that are awake, one more to meet TIME-WAITs
  std::span<tcp::Dormant> dormants_;  // EAL memory, by the table's positions: those asleep, if any may be
  std::span<Path> paths_;             // EAL memory, by the table's positions: its keys
  net::dpdk::FlowTable table_;
  LocalPorts local_ports_;
  TimeWaits time_waits_;
  PathMtus path_mtus_;
  tcp::SynCookies cookies_;
  tcp::FastOpenCookies fast_open_cookies_;
  net::Prf isn_prf_;
  tcp::Core core_;
  Listeners listeners_;
  Neighbours neighbours_;
  Egress egress_;
  Ingress ingress_;
  Opener opener_;
  net::dpdk::Doorbell doorbell_;
  Idle idle_;

  std::array<Arrival, Ingress::kBurst> arrivals_;
  std::vector<uint32_t> finished_;
  std::vector<uint32_t> waiting_;      // in TIME-WAIT, with nothing left to do but wait
  std::bitset<1024> opened_in_burst_;  // by hash: what connections have begun with strangers of this burst
  std::atomic<bool> draining_{false};
  FlowDesk desk_;
  uint32_t next_port_ = 0;  // of connections that we open, counted on
};

}  // namespace tern::stack
