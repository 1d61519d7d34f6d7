// SPDX-License-Identifier: BSD-3-Clause
// A TCP client played by hand: each step lays one segment before the port; text that comes is put together
// and acknowledged when the bench settles.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stack/bench.hpp"
#include "tcp/options.hpp"

namespace tern::test {

struct ClientOptions {
  uint16_t port = 40'000;  // its own
  uint16_t service = 7;    // ours
  net::MacAddress mac = kPeerMac;
  net::Ipv4Address address = kPeerAddress;
  uint16_t mss = 1460;
  uint8_t window_scale = 7;
  bool timestamps = true;
  uint16_t window = 0xffff;  // as it lies on the wire
  tcp::Seq iss{1'000};
  tcp::FastOpenOption fast_open{};  // of its SYN
};

class Client {
 public:
  Client(Bench& bench, const ClientOptions& options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // --- Steps: each lays segments before the port and does not poll ---
  // Returns the buffer. Text counts as sent when the SYN-ACK acknowledges it.
  const void* syn(std::string_view text = {});
  void third();                      // the handshake's last; what connects
  void send(std::string_view text);  // in segments of its MSS at most, PSH on the last
  void fin(std::string_view text = {});
  void reset();
  void acknowledge_now() { lay(tcp::kAck, {}); }
  // A segment of these flags with the next text, whatever else is under way; nothing moves on.
  void lay(int flags, std::string_view text);
  Bytes frame(int flags, std::string_view text) const;

  // --- Steps that poll ---
  // A whole handshake.
  void connect();
  // What the bench hands over, and whether there was something to acknowledge.
  bool accepts(const SentFrame& frame);
  bool acknowledge();

  // Whatever the state, as a client that lost all memory of the connection.
  void begin_anew(tcp::Seq iss);

  ClientOptions options;
  net::FourTuple tuple;
  tcp::Seq snd_nxt, rcv_nxt;
  tcp::Seq acknowledged;   // the largest ACK seen
  std::string received;    // text in order
  bool connected = false;  // a SYN-ACK has come
  bool ended = false;      // its FIN has come
  bool was_reset = false;  // a RST has come
  bool deaf = false;       // acknowledges nothing new, whatever it sends
  uint32_t segments = 0;   // that came
  std::optional<Reply> last;

 private:
  void add_options(tcp::SegmentHeader& header, bool syn) const;
  void take(const Reply& reply);

  Bench& bench_;
  bool owes_ = false;
  tcp::Seq said_;  // its last ACK
  uint32_t ts_ecr_ = 0;
};

}  // namespace tern::test
