// SPDX-License-Identifier: BSD-3-Clause
// One core's TCP in virtual time, between IP packets and sockets: what a worker is between a port and
// services.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "net/address.hpp"
#include "packetdrill/settings.hpp"
#include "tcp/connection.hpp"
#include "tcp/core.hpp"
#include "tcp/listener.hpp"
#include "tcp/syn_cookie.hpp"

namespace tern::packetdrill {

constexpr uint32_t kNoSlot = 0xffffffffu;

// A listening socket's part in the host.
struct Door {
  net::Ipv4Address address;  // unspecified: any
  uint16_t port = 0;
  uint32_t backlog = 0;
  tcp::Config config;
  std::deque<uint32_t> accept_queue;  // slots
  uint32_t half_open = 0;
  uint16_t number = 0;                                    // of its FastOpenPending
  std::optional<tcp::FastOpenCookies> fast_open_cookies;  // by a key of its own
};

struct SentPacket {
  net::Instant when;
  std::vector<uint8_t> bytes;
};

class Host {
 public:
  Host();
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // What a connection's socket is told: marks of tcp::kServiceMarks, once each.
  std::function<void(uint32_t slot, uint16_t marks)> tell;
  // Run after each change of state.
  std::function<void()> after_round;
  bool abort_on_overflow = false;

  // --- Time ---
  net::Instant now() const { return now_; }
  // Goes to a time, running due timers in their order on the way; never back.
  void advance(net::Instant t);
  // When the next timer may be due.
  net::Instant next_timer() const { return core_.wheel.next_expiry(); }

  // --- Packets ---
  void receive(std::span<const uint8_t> packet);
  std::deque<SentPacket> sent;
  // What is left of a round after calls or arrivals: tell the sockets, send.
  void round();

  // --- Sockets ---
  void add_door(Door& door);
  void remove_door(Door& door);
  // A connection of our own to tuple, by Fast Open where the configuration wants it; kNoSlot when there is no
  // slot.
  uint32_t connect(const net::FourTuple& tuple, const tcp::Config& config);
  // The socket has gone: the slot is free once the connection has ended.
  void orphan(uint32_t slot);
  tcp::Connection& connection(uint32_t slot) { return connections_[slot]; }
  const tcp::Config& config(uint32_t slot) const { return core_.config(connections_[slot]); }
  const net::FourTuple& tuple(uint32_t slot) const { return slots_[slot].tuple; }
  tcp::Core& core() { return core_; }
  // The key of doors without one of their own.
  tcp::FastOpenCookies& fast_open_cookies() { return fast_open_cookies_; }
  // Segments that the peer has acknowledged, a SYN with its text as one.
  uint32_t delivered(uint32_t slot);
  uint16_t free_port() { return next_port_++; }

 private:
  struct Slot {
    net::FourTuple tuple;
    Door* door = nullptr;  // while in its SYN queue or accept queue
    bool used = false;
    bool owned = false;                  // by a socket or an accept queue
    tcp::Seq sent_end{};                 // one past the last byte sent
    std::deque<tcp::Seq> undelivered{};  // ends of segments
    uint32_t delivered = 0;
  };

  std::optional<uint32_t> find(const net::FourTuple& tuple) const;
  Door* find_door(const net::FourTuple& tuple) const;
  uint32_t take_slot(const net::FourTuple& tuple, const tcp::Config& config);
  void on_icmp(std::span<const uint8_t> message);
  void on_segment(const net::FourTuple& tuple, const tcp::Segment& segment, net::Packet text);
  void on_stranger(const net::FourTuple& tuple, const tcp::Segment& segment, net::Packet text);
  void on_syn(Door& door, const net::FourTuple& tuple, const tcp::Segment& segment, net::Packet text);
  uint32_t place(Door& door, const net::FourTuple& tuple);
  void open_by_cookie(Door& door, const net::FourTuple& tuple, const tcp::Segment& segment, net::Packet text);
  net::PrfBlock seal(const tcp::SynCookies::Query& query) const;
  void serve(uint32_t slot);
  void time_out();
  void emit();
  void depart();
  bool pushes(const tcp::Departure& departure, uint32_t place) const;
  void transmit(const net::FourTuple& tuple, const tcp::SegmentHeader& header,
                const tcp::Departure* departure);
  void free_finished();

  net::Instant now_;
  std::vector<tcp::Connection> connections_;
  std::vector<Slot> slots_;
  tcp::Core core_;
  net::Prf prf_;
  tcp::SynCookies cookies_;
  tcp::FastOpenCookies fast_open_cookies_;
  uint16_t doors_made_ = 0;
  std::vector<Door*> doors_;
  uint16_t next_port_ = 40'000;
};

}  // namespace tern::packetdrill
