// SPDX-License-Identifier: BSD-3-Clause
// A TCP client played by hand.
#include "stack/client.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tern::test {

Client::Client(Bench& bench, const ClientOptions& given)
    : options(given), tuple{kOurAddress, given.address, given.service, given.port}, bench_(bench) {
  begin_anew(options.iss);
  bench_.clients_.push_back(this);
}

Client::~Client() { std::erase(bench_.clients_, this); }

void Client::begin_anew(tcp::Seq iss) {
  options.iss = iss;
  snd_nxt = iss;
  rcv_nxt = acknowledged = tcp::Seq{0};
  received.clear();
  connected = ended = was_reset = owes_ = false;
  last.reset();
  ts_ecr_ = 0;
}

void Client::add_options(tcp::SegmentHeader& header, bool syn) const {
  const auto ts_val = static_cast<uint32_t>(bench_.now.milliseconds()) + 77;
  if (syn) {
    tcp::SynOptions offer;
    offer.mss = options.mss;
    offer.window_scale = options.window_scale;
    offer.timestamps = options.timestamps;
    offer.sack_permitted = true;
    offer.ts_val = ts_val;
    offer.fast_open = options.fast_open;
    tcp::append_syn_options(header, offer);
  } else if (options.timestamps) {
    tcp::append_timestamps(header, ts_val, ts_ecr_);
  }
}

Bytes Client::frame(int flags, std::string_view text) const {
  tcp::SegmentHeader header;
  header.seq = snd_nxt;
  header.flags = static_cast<uint8_t>(flags);
  if ((flags & tcp::kAck) != 0) header.ack = deaf ? said_ : rcv_nxt;
  header.wnd = options.window;
  add_options(header, (flags & tcp::kSyn) != 0);
  return tcp_frame(bench_.mac(), options.mac, tuple, header, text);
}

void Client::lay(int flags, std::string_view text) {
  ASSERT_NE(bench_.inject(frame(flags, text)), nullptr);
  if (!deaf) said_ = rcv_nxt;
}

const void* Client::syn(std::string_view text) {
  const void* buffer = bench_.inject(frame(tcp::kSyn, text));
  snd_nxt = options.iss + 1 + static_cast<uint32_t>(text.size());
  return buffer;
}

void Client::third() { lay(tcp::kAck, {}); }

void Client::send(std::string_view text) {
  while (!text.empty()) {
    const size_t room = options.mss - (options.timestamps ? tcp::kTimestampOptionBytes : 0);
    const std::string_view piece = text.substr(0, room);
    text.remove_prefix(piece.size());
    lay(tcp::kAck | (text.empty() ? tcp::kPsh : 0), piece);
    snd_nxt += static_cast<uint32_t>(piece.size());
  }
}

void Client::fin(std::string_view text) {
  lay(tcp::kFin | tcp::kAck, text);
  snd_nxt += static_cast<uint32_t>(text.size()) + 1;
}

void Client::reset() { lay(tcp::kRst | tcp::kAck, {}); }

void Client::connect() {
  syn();
  bench_.poll();
  bench_.collect();
  ASSERT_TRUE(connected) << "no SYN-ACK came";
  third();
  bench_.poll();
  bench_.collect();
}

bool Client::accepts(const SentFrame& sent) {
  const std::optional<Reply> reply = read_reply(sent);
  if (!reply || reply->tuple != tuple) return false;
  take(*reply);
  return true;
}

void Client::take(const Reply& reply) {
  ++segments;
  last = reply;
  const tcp::Segment& seg = reply.seg;
  if (seg.has_timestamps) ts_ecr_ = seg.ts_val;
  if (seg.has(tcp::kRst)) {
    was_reset = true;
    return;
  }
  if (seg.has(tcp::kSyn)) {
    if (seg.ack == options.iss + 1) snd_nxt = seg.ack;
    EXPECT_EQ(seg.ack, snd_nxt);
    connected = true;
    rcv_nxt = said_ = seg.seq + 1;
    acknowledged = seg.ack;
    return;
  }
  if (seg.ack > acknowledged) acknowledged = seg.ack;
  if (seg.length == 0 && !seg.has(tcp::kFin)) return;
  owes_ = true;
  if (seg.seq > rcv_nxt) return;  // nothing is lost on the wire, so this answers a loss that a test made
  const uint32_t known = rcv_nxt - seg.seq;
  if (known <= reply.text.size()) {
    received += reply.text.substr(known);
    rcv_nxt = seg.seq + seg.length;
  }
  if (seg.has(tcp::kFin) && !ended && rcv_nxt == seg.seq + seg.length) {
    ended = true;
    rcv_nxt += 1;
  }
}

bool Client::acknowledge() {
  if (!owes_ || deaf) return false;
  owes_ = false;
  acknowledge_now();
  return true;
}

}  // namespace tern::test
