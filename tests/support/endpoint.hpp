// SPDX-License-Identifier: BSD-3-Clause
// One end of a connection in virtual time, as a worker would run it: core, connection, listener, and a
// service that writes a pattern, reads what comes and closes by a plan.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "net/address.hpp"
#include "support/invariants.hpp"
#include "support/virtual_link.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"
#include "tcp/listener.hpp"
#include "tcp/syn_cookie.hpp"

namespace tern::test {

enum class Ending {
  kShutdown,     // FIN as soon as all is written; text is read on, close at its end
  kWaitForPeer,  // close once the peer's text has ended and all is written
  kCloseEarly,   // close at some point, unread or not
  kAbort,        // abort at some point
  kWithdraw,     // the same, but all text comes back if the peer has acknowledged none of it
  kFail,         // gone at some point, without a word to the peer
};

// An option that the service chooses for the connection, once so many bytes are written and read.
struct Choice {
  uint32_t at = 0;
  tcp::Option option = tcp::Option::kNoDelay;
  int64_t value = 0;
};

struct EndPlan {
  tcp::Config config;
  tcp::CoreLimits limits;
  uint32_t bytes = 0;          // to be written
  uint32_t largest_write = 1;  // each is of 1 to this many bytes
  bool says_more = false;      // of each but the last, that another follows
  net::Duration read_pause{0};
  uint32_t packets_per_read = 1'000'000;
  bool skips = false;  // reads by looking at text and taking a part of it
  std::vector<Choice> choices;
  uint16_t path_known = 0;  // an MSS that the path is known to take from before; 0: nothing is known
  Ending ending = Ending::kShutdown;
  uint32_t ending_at = 0;         // bytes written and read, for the endings "at some point"
  net::Instant start;             // of its clock
  bool sleeps = false;            // after each round where it may, to be woken at once
  net::Duration accept_after{0};  // how long a connection waits for the accept call, if it needs one
};

class Endpoint {
 public:
  // tuple: seen from this end. out: to the other end.
  Endpoint(bool active, const EndPlan& plan, const net::FourTuple& tuple, VirtualLink& out, uint64_t seed);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  void open(net::Instant now);
  // A Fast Open cookie as our listener gives it to the other end; one that a server gave us before.
  tcp::FastOpenOption cookie() const;
  void remember(const tcp::FastOpenOption& cookie);
  // One round at this time: what has arrived on in, service, timeouts, output.
  void poll(VirtualLink& in, net::Instant now);
  // When a round has something to do again, apart from arrivals.
  net::Instant next() const;
  void give_up(net::Instant now);  // the user's patience has ended

  bool opened() const { return opened_; }
  bool gone() const { return gone_; }
  tcp::CloseReason reason() const { return reason_; }
  uint64_t options_chosen() const { return options_chosen_; }
  uint64_t read() const { return read_; }
  uint64_t written() const { return written_; }
  bool reached_end() const { return reached_end_; }
  uint64_t checksum_failures() const { return checksum_failures_; }
  const tcp::Core& core() const { return core_; }
  const tcp::Tcb& tcb() const { return connections_[0].tcb; }
  std::string fault;  // the first rule that was broken; empty when none was

 private:
  void arrive(const Carried& carried);
  void check_ecn(const tcp::Departure& departure);
  void stranger(const tcp::Segment& segment, net::Packet text);
  void answer_syn(const tcp::Segment& syn, net::Packet text);
  void know_path();
  void accept();
  void finish();
  void serve();
  void choose();
  void read_text();
  bool read_some();
  void take(std::span<const uint8_t> text);
  void write_text();
  void maybe_end();
  void close();
  void withdraw();
  void emit();
  void transmit(const tcp::SegmentHeader& header, const tcp::Departure* text);
  void check_announced(const tcp::SegmentHeader& header);
  void check();
  void check_info();
  void blame(const std::string& rule);
  tcp::Connection& connection() { return connections_[0]; }

  bool active_;
  EndPlan plan_;
  net::FourTuple tuple_;
  VirtualLink& out_;
  std::mt19937_64 random_;
  std::vector<tcp::Connection> connections_;
  std::vector<tcp::Dormant> dormants_;
  tcp::Core core_;
  tcp::Listener listener_;
  tcp::SynCookies cookies_;
  tcp::FastOpenCookies fast_open_cookies_;
  net::Packet pending_;  // refused by send() for want of room
  Watch watch_;
  bool announced_ = false;
  tcp::Seq announced_edge_;
  tcp::Seq sent_end_;  // of all text so far
  bool sent_ = false;
  net::Instant next_read_ = net::Instant{};
  uint64_t written_ = 0;
  uint64_t read_ = 0;
  uint64_t checksum_failures_ = 0;
  uint64_t options_chosen_ = 0;
  net::Instant accounted_at_ = net::Instant::never();  // for LimitTimes
  net::Duration accounted_{0};
  net::Instant closed_at_ = net::Instant::never();
  bool exists_ = false;  // the connection's slot is in use
  bool opened_ = false;  // the service has been told
  net::Instant accept_at_ = net::Instant::never();
  bool ended_ = false;  // shutdown, close or abort was called
  bool closed_ = false;
  bool reached_end_ = false;
  bool gone_ = false;
  tcp::CloseReason reason_ = tcp::CloseReason::kNone;
};

}  // namespace tern::test
