// SPDX-License-Identifier: BSD-3-Clause
// The sessions of a proxy service: a client and the backend that serves it, two connections of one worker.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "lb/backend.hpp"
#include "net/address.hpp"
#include "net/instant.hpp"
#include "net/packet.hpp"
#include "tcp/timer_wheel.hpp"

namespace tern::app {

enum class Side : uint8_t { kClient, kServer };
constexpr Side other(Side side) { return side == Side::kClient ? Side::kServer : Side::kClient; }

enum class Phase : uint8_t {
  kFree,
  kHeader,      // the client's PROXY header is awaited
  kWaiting,     // all backends are full
  kConnecting,  // to a backend
  kOpening,     // a spare connection: no client yet, nor the backend's answer
  kSpare,       // a spare connection that waits for a client
  kJoined,      // text moves both ways
  kEnding,      // reset; what is left of it goes
};

constexpr uint32_t kNone = 0xffffffffu;
constexpr uint32_t kMostAttempts = 8;

// One side of a session. The connection's index is good from opened(), or connect(), until closed().
struct SessionSide {
  uint32_t connection = kNone;
  bool fin_passed = false;  // to the other side, which this one's end became
  net::PacketQueue left;    // unread text of a connection that has ended in order
};

struct Session {
  std::array<SessionSide, 2> sides;
  Phase phase = Phase::kFree;
  bool header_owed = false;   // the backend has not been sent its PROXY header
  bool server_spoke = false;  // the backend has sent text
  bool spare = false;         // its connection to the backend had been opened ahead
  bool again = false;         // that had ended already, and what it was sent is sent to another
  uint8_t attempts = 0;       // backends that were tried
  std::array<uint16_t, kMostAttempts> tried{};
  uint32_t backend = lb::kNoBackend;
  net::Ipv4Address peer;  // the client as limits count it: who opened the connection
  net::FourTuple client;  // as the backend is told, remote being the client: from its PROXY header
  net::Instant deadline = net::Instant::never();  // of its phase; kJoined has idle times instead
  std::array<net::Instant, 2> active;             // by side: when it last sent or took something
  uint32_t next = kNone;                          // in its list
  uint32_t previous = kNone;

  SessionSide& operator[](Side side) { return sides[static_cast<size_t>(side)]; }
};

// Sessions in the order in which they came.
class SessionList {
 public:
  explicit SessionList(std::vector<Session>& sessions) : sessions_(sessions) {}
  bool empty() const { return head_ == kNone; }
  uint32_t front() const { return head_; }
  uint32_t size() const { return size_; }
  void push_back(uint32_t index);
  void remove(uint32_t index);  // which must be in it

 private:
  std::vector<Session>& sessions_;
  uint32_t head_ = kNone;
  uint32_t tail_ = kNone;
  uint32_t size_ = 0;
};

// All sessions of one service on one worker, allocated at the start.
class Sessions {
 public:
  explicit Sessions(uint32_t capacity);
  uint32_t allocate();  // kNone when all are in use
  void release(uint32_t index);
  Session& operator[](uint32_t index) { return sessions_[index]; }
  uint32_t capacity() const { return static_cast<uint32_t>(sessions_.size()); }
  uint32_t in_use() const { return static_cast<uint32_t>(sessions_.size() - free_.size()); }
  // A list of sessions that are in no other, as long as this lives.
  SessionList list() { return SessionList(sessions_); }
  // Memory that so many take, in bytes, timers included.
  static constexpr uint64_t footprint(uint32_t capacity) {
    return capacity * (sizeof(Session) + sizeof(uint32_t) + tcp::TimerWheel::kBytesPerNode);
  }

 private:
  std::vector<Session> sessions_;
  std::vector<uint32_t> free_;
};

}  // namespace tern::app
