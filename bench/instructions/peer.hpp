// SPDX-License-Identifier: BSD-3-Clause
// A client's end of a connection, or a backend's, frame by frame, over a wire that loses nothing: as Linux
// would be, with timestamps, SACK and window scale.
#pragma once

#include <string_view>

#include "instructions/capture.hpp"
#include "net/address.hpp"
#include "tcp/segment.hpp"

namespace tern::bench {

constexpr uint16_t kMss = 1460;
constexpr uint16_t kFullText = kMss - tcp::kTimestampOptionBytes;  // of a segment

// A segment that tern sent.
struct Reply {
  net::FourTuple tuple;  // tern's view
  tcp::Segment seg;
  std::string_view text;  // within the frame
};
// Throws std::runtime_error when the frame is wrong in any way, checksums included.
Reply read_reply(const Bytes& frame);

class Peer {
 public:
  // window: that it offers, in bytes.
  Peer(net::MacAddress server, net::FourTuple tuple, tcp::Seq iss, uint32_t window = 1 << 22);

  // Each returns a frame and takes what it occupies for sent.
  Bytes syn(net::Instant now) { return segment(tcp::kSyn, {}, now); }
  Bytes segment(uint8_t flags, std::string_view text, net::Instant now);
  // What has come up to some segment, to be acknowledged later.
  struct Acknowledgment {
    tcp::Seq ack;
    std::vector<tcp::SackBlock> beyond;  // the latest first
  };
  Acknowledgment acknowledgment() const { return {rcv_nxt_, beyond_}; }
  Bytes acknowledge(const Acknowledgment& what, net::Instant now);
  // Takes a segment in. Throws std::runtime_error when it is not the next one, unless segments may be
  // missing.
  void hear(const Reply& reply);
  void expect_losses() { losses_ = true; }

  const net::FourTuple& tuple() const { return tuple_; }
  bool connected() const { return connected_; }
  bool ended() const { return ended_; }             // tern's FIN has come
  bool delivered() const { return una_ == nxt_; }   // all that it sent is acknowledged
  tcp::Seq received() const { return rcv_nxt_; }    // in order, up to here
  bool misses() const { return !beyond_.empty(); }  // something before what has come

 private:
  void put_together(tcp::SackBlock come);
  Bytes build(uint8_t flags, std::string_view text, const Acknowledgment& what, net::Instant now);

  net::MacAddress server_;
  net::FourTuple tuple_;
  uint32_t window_;
  tcp::Seq una_, nxt_, rcv_nxt_;
  std::vector<tcp::SackBlock> beyond_;  // what has come out of order, the latest first
  bool losses_ = false;
  uint32_t ts_ecr_ = 0;
  bool connected_ = false;
  bool ended_ = false;
};

}  // namespace tern::bench
