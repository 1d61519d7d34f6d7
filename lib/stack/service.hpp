// SPDX-License-Identifier: BSD-3-Clause
// What runs on top of a connection: a Service is told what happened, and acts through a Socket.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "net/dpdk/frame.hpp"
#include "net/packet.hpp"
#include "tcp/connection.hpp"

namespace tern::stack {

// A service's hold on one connection, good for the length of one call. Nothing here blocks or copies text.
class Socket {
 public:
  Socket(tcp::Connection& connection, tcp::Core& core, net::dpdk::FramePool& pool)
      : connection_(connection), core_(core), pool_(pool) {}

  // --- Receiving: what is left unread closes the peer's window ---
  uint32_t unread() const { return connection_.tcb.unread; }
  // The first unread packet's bytes; empty when nothing is unread. More may follow in further packets.
  std::span<const uint8_t> front() const;
  // Copies the first unread bytes, at most bytes.size(), without taking them; returns how many.
  uint32_t peek(std::span<uint8_t> bytes) const;
  // Whether unread text fills the receive buffer: nothing more comes until some is taken.
  bool full() const { return unread() >= connection_.receive_buffer(core_); }
  // Takes the first packet; null when nothing is unread.
  net::Packet receive() { return connection_.receive(core_); }
  // Takes n bytes, n <= unread(), and drops them.
  void skip(uint32_t n) { connection_.skip(n, core_); }
  // Asks for text() again in the next round.
  void ask_again() { core_.mark(connection_, tcp::kMarkText); }
  // Whether everything has been read and the peer has closed its direction.
  bool at_end() const { return connection_.at_end(); }

  // Whether the peer has closed its direction, read or unread.
  bool peer_closed() const { return connection_.has(tcp::kFinReceived); }

  // --- Sending ---
  // Bytes that send() would take; 0 after shutdown().
  uint32_t send_room() const { return connection_.send_room(core_); }
  // Queues text, zero-copy. False, and the packet stays the caller's, when there is no room; writable()
  // follows.
  bool send(net::Packet& packet) { return connection_.send(packet, core_); }
  // The same, where more is about to follow: see Connection::send_more(). tcp::Option::kCork lasts longer.
  bool send_more(net::Packet& packet) { return connection_.send_more(packet, core_); }
  // Asks for writable() without having been refused.
  void want_room() { connection_.tcb.marks |= tcp::kMarkWantsRoom; }
  // An empty packet with tailroom, and one on static memory; null when buffers have run out, but for those
  // that the ports need to receive the ACKs which free the others: writable() follows in the next round, to
  // try again.
  net::Packet allocate() { return or_retry(core_.pressed() ? net::Packet() : pool_.allocate_packet()); }
  net::Packet slice(net::dpdk::StaticPayload& payload, uint32_t offset, uint32_t length) {
    return or_retry(core_.pressed() ? net::Packet() : payload.slice(pool_, offset, length));
  }

  // --- Closing ---
  // No more to send; reading goes on. If want_room() asked, writable() follows when the peer has acknowledged
  // it all.
  void shutdown() { connection_.shutdown(core_); }
  void close() { connection_.close(core_); }  // neither; unread text makes it abort()
  // Whether shutdown() or close() was called, and the peer has acknowledged all text and our FIN.
  bool delivered() const { return connection_.has(tcp::kFinSent) && connection_.flight() == 0; }
  void abort() { connection_.abort(core_); }  // RST
  // The same, and gives all text back, where the peer has acknowledged none; false: it has, or is gone.
  bool withdraw(net::PacketQueue& text) { return connection_.withdraw(text, core_); }

  // --- Options for this connection alone, see tcp::Option: kInvalid, kNoBuffers or kNotConnected ---
  tcp::Error set_option(tcp::Option option, int64_t value) {
    return connection_.set_option(option, value, core_);
  }
  int64_t option(tcp::Option option) const { return connection_.option(option, core_); }

  // --- About it ---
  tcp::Info info() const { return connection_.info(core_); }
  // Why send(), or receive(), does nothing now: see Connection.
  tcp::Error send_error() const { return connection_.send_error(core_); }
  tcp::Error receive_error() const { return connection_.receive_error(); }
  uint32_t index() const { return core_.index_of(connection_); }
  // A word of the service's own, zero at opened().
  uint64_t& user() { return connection_.tcb.user; }
  // What ICMP has said of the path since the peer last acknowledged something; kNone: nothing. The connection
  // goes on (RFC 9293 MUST-47, SHLD-25).
  tcp::CloseReason soft_error() const { return connection_.tcb.soft_error; }
  tcp::CloseReason close_reason() const { return connection_.tcb.close_reason; }
  net::Instant now() const { return core_.now; }

 private:
  net::Packet or_retry(net::Packet packet) {
    if (!packet) core_.mark(connection_, tcp::kMarkWritable);
    return packet;
  }

  tcp::Connection& connection_;
  tcp::Core& core_;
  net::dpdk::FramePool& pool_;
};

// What connect() began.
struct Opened {
  net::FourTuple tuple;
  uint32_t index = 0;  // as Socket::index() has it
};

// Local ports toward a peer: see Stack::ports_left().
struct PortsLeft {
  uint32_t free = 0;     // that nobody has
  uint32_t waiting = 0;  // in TIME-WAIT, to be had again where no other is left
};

// What a service may ask of its worker, in any of its calls. A connection is named by its Socket's index,
// which is good from opened(), or connect(), until closed() has returned; so whoever forgets it in closed()
// needs no other proof that it is still the same one.
class Stack {
 public:
  virtual ~Stack() = default;
  virtual net::Instant now() const = 0;
  // Opens a connection that the asking service will serve, as Worker::connect does. user: its word. Nothing
  // is told of it before this has returned.
  virtual tcp::Error connect(const net::FourTuple& tuple, uint64_t user, Opened& opened) = 0;
  // As Worker::ports_left has it.
  virtual PortsLeft ports_left(const net::FourTuple& tuple) const = 0;
  // Nothing when it sleeps and too many others are busy for it to be woken: to be tried again later.
  virtual std::optional<Socket> socket(uint32_t index) = 0;
  // The connection's name, whose remote address is the peer's.
  virtual const net::FourTuple& tuple(uint32_t index) const = 0;
  // due() is called once this time has come; of several times that were asked for, the earliest counts.
  virtual void wake_at(net::Instant when) = 0;
};

// What becomes of a SYN.
enum class Admission : uint8_t {
  kAdmitted,
  kReset,   // answered by RST
  kSilent,  // not answered
};

// One per worker and configured service. Calls come from the worker's serve phase, at most one of each kind
// per connection and burst, in this order.
class Service {
 public:
  virtual ~Service() = default;
  // Before any other call: what the service may ask of its worker, as long as both live.
  virtual void attach(Stack&) {}
  // The time that it asked for has come.
  virtual void due() {}
  // Whether a client may connect, whose SYN has come; it may be forged.
  virtual Admission admits(const net::FourTuple&) {
    return draining() ? Admission::kReset : Admission::kAdmitted;
  }
  // The handshake is done.
  virtual void opened(Socket&) {}
  // There is more to read than at the last call.
  virtual void text(Socket& socket) = 0;
  // The peer has closed its direction; what it sent before may still be unread.
  virtual void ended(Socket& socket) = 0;
  // There is room again after send() was refused or want_room() asked.
  virtual void writable(Socket&) {}
  // Three retransmissions in a row were in vain, of our SYN too, before opened() then: R1 of RFC 9293 section
  // 3.8.3. The connection goes on trying up to R2; soft_error() says whether ICMP knows why.
  virtual void doubted(Socket&) {}
  // The connection is over; the last call for it. Unread text has been read or is lost with the connection.
  virtual void closed(Socket&) {}

  // From any thread: from now on no new connections are taken, or they are again. What is open goes on.
  void drain(bool on) { draining_.store(on, std::memory_order_relaxed); }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> draining_{false};
};

}  // namespace tern::stack
