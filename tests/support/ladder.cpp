// SPDX-License-Identifier: BSD-3-Clause
// A small language for tests that read like ladder diagrams.
#include "support/ladder.hpp"

#include <algorithm>
#include <cstdio>

#include "net/byte_order.hpp"
#include "support/heap_packet.hpp"
#include "tcp/header.hpp"
#include "tcp/options.hpp"
#include "tcp/reset.hpp"

namespace tern::test {

using namespace tcp;

namespace {

constexpr Duration kSlack{2 << TimerWheel::kTickShift};

std::string number(const char* name, uint64_t n) { return std::string(" ") + name + " " + std::to_string(n); }

std::string flag_names(uint8_t flags) {
  std::string names;
  for (const auto& [flag, name] : {std::pair{kSyn, "SYN"},
                                   {kFin, "FIN"},
                                   {kRst, "RST"},
                                   {kPsh, "PSH"},
                                   {kAck, "ACK"},
                                   {kEce, "ECE"},
                                   {kCwr, "CWR"}}) {
    if ((flags & flag) != 0) names += (names.empty() ? "" : "|") + std::string(name);
  }
  return names.empty() ? "none" : names;
}

}  // namespace

net::Packet pattern_packet(uint32_t place, uint32_t length, bool ours) {
  std::vector<uint8_t> bytes(length);
  for (uint32_t i = 0; i < length; ++i) bytes[i] = pattern(place + i, ours);
  return make_packet(bytes);
}

FastOpenOption fast_open_option(std::initializer_list<uint8_t> cookie, FastOpenOption::Form form) {
  FastOpenOption option;
  option.form = form;
  option.length = static_cast<uint8_t>(cookie.size());
  std::ranges::copy(cookie, option.cookie.begin());
  return option;
}

uint8_t pattern(uint32_t place, bool ours) {
  return static_cast<uint8_t>((place * 2654435761u >> 24) ^ (ours ? 0x5a : 0));
}

Start established(Origin origin) {
  Start start;
  start.origin = origin;
  start.config.mss = 1000;
  start.config.receive_buffer = 10'000;
  start.config.quick_ack_segments = 0;
  start.limits.reassemblies = start.limits.recoveries = start.limits.congestions = start.limits.extras =
      4;  // of one connection
  start.config.timestamps = false;
  start.config.sack = false;
  start.config.congestion = tcp::Congestion::kNewReno;  // whose windows are round numbers
  return start;
}

std::string origin_name(const testing::TestParamInfo<Origin>& info) {
  constexpr const char* kNames[] = {"FromZero", "AtTheWrap", "AtTheSignBit"};
  return kNames[info.index];
}

Ladder::Ladder(const Start& start)
    : peer_window(start.peer_window),
      start_(start),
      live_before_(live_packets()),
      connections_(1),
      core_(connections_, std::span(&start_.config, 1), start.limits, net::Instant{}) {
  open();
}

void Ladder::open() {
  if (start_.active) {
    start_.config.timestamps = start_.timestamps;
    start_.config.sack = start_.sack;
    core_.profile(0) = start_.config;
    burst([&] {
      connection().open_active(Seq{start_.origin.iss}, 0, 0, core_);
      if (start_.opening) start_.opening(*this);
    });
    if (!start_.handshake) return;
    sent_.clear();
    in(seq(0), syn(), ack(1), mss(start_.peer_mss));
  } else {
    Agreement agreement;
    agreement.iss = Seq{start_.origin.iss};
    agreement.irs = Seq{start_.origin.irs};
    agreement.peer_mss = start_.peer_mss;
    agreement.peer_window_scale = start_.peer_scale;
    agreement.timestamps = start_.timestamps;
    agreement.sack = start_.sack;
    agreement.ecn = start_.ecn;
    agreement.ts_recent = start_.timestamps ? kPeerClock : 0;
    connection().open_passive(start_.agreement.value_or(agreement), core_);
    if (!start_.handshake) return;
    in(seq(1), ack(1));
  }
  sent_.clear();
  told_ = 0;
  in_state(State::kEstablished);
}

Ladder::~Ladder() {
  silent();
  if (!gone_) connection().release(core_);
  core_.released.clear();
  if (core_.tuned_bytes != 0) fail("a receive buffer is still grown at the end");
  if (core_.held_packets != 0) fail("held_packets is " + std::to_string(core_.held_packets) + " at the end");
  if (core_.reassemblies.in_use() != 0) fail("a reassembly queue is still in use at the end");
  if (core_.recoveries.in_use() != 0) fail("a scoreboard is still in use at the end");
  if (core_.extras.in_use() != 0) fail("a slot for rare features is still in use at the end");
  for (const FastOpenPending& pending : core_.fast_opens) {
    if (pending.open() != 0) fail("a Fast Open request is still pending at the end");
  }
  if (core_.congestions.in_use() != 0) fail("a loss is still remembered at the end");
  if (core_.extras.in_use() != 0) fail("options of its own are still kept at the end");
  if (core_.wheel.armed_count() != 0) fail("a timer is still armed at the end");
  if (!idle(core_.backlogs[0])) fail("a queue in front of the service still counts it at the end");
  if (live_packets() != live_before_) fail("buffers leaked");
}

Ladder& Ladder::at(Duration t, int line) {
  line_ = line;
  if (net::Instant{} + t < core_.now) fail("the ladder has passed the time stated already");
  run_to(net::Instant{} + t);
  stated_ = net::Instant{} + t;
  return *this;
}

Ladder& Ladder::after(Duration span, int line) { return at(now() + span, line); }

// Lets every timer up to t fire, each in a round of its own.
void Ladder::run_to(net::Instant t) {
  while (core_.wheel.next_expiry() <= t) {
    core_.set_now(std::max(core_.now, core_.wheel.next_expiry()));
    round();
  }
  core_.set_now(std::max(core_.now, t));
}

Segment Ladder::segment_of(const Row& row) const {
  Segment segment;
  segment.flags = static_cast<uint8_t>(row.flags | (row.psh.value_or(false) ? kPsh : 0));
  segment.seq = Seq{start_.origin.irs} + row.seq.value_or(peer_next_);
  segment.ack = (segment.flags & kAck) == 0 ? Seq{} : Seq{start_.origin.iss} + row.ack.value_or(ours_next_);
  segment.length = row.text;
  segment.ecn = row.ecn.value_or(EcnField::kNotCapable);
  segment.wnd = row.wnd.value_or(peer_window);
  const bool syn = (row.flags & kSyn) != 0;
  segment.has_timestamps = row.timestamps.value_or(start_.timestamps);
  if (segment.has_timestamps) {
    segment.ts_val = row.ts_val.value_or(kPeerClock + static_cast<uint32_t>(core_.now.milliseconds()));
    segment.ts_ecr = row.ts_ecr.value_or(last_ts_val_);
  }
  if (syn) {
    segment.mss = row.mss.value_or(0);
    segment.window_scale = row.scale.value_or(start_.peer_scale);
    segment.sack_permitted = row.sack_permitted.value_or(start_.sack);
    segment.fast_open = row.fast_open.value_or(FastOpenOption{});
  }
  segment.user_timeout = row.user_timeout;
  for (const auto& [left, right] : row.sacks) {
    segment.sacks[segment.sack_count++] = {Seq{start_.origin.iss} + left, Seq{start_.origin.iss} + right};
  }
  return segment;
}

void Ladder::arrive(const Row& row) {
  const Segment segment = segment_of(row);
  log('>', core_.now, segment);
  const uint32_t place = segment.seq - Seq{start_.origin.irs} + (segment.has(kSyn) ? 1 : 0);
  const uint32_t end = segment.end() - Seq{start_.origin.irs};
  if (static_cast<int32_t>(end - peer_next_) > 0 && !segment.has(kRst) && row.text < 0x10000)
    peer_next_ = end;
  net::Packet packet = segment.length == 0 ? net::Packet() : pattern_packet(place, segment.length, false);
  verdict_ = connection().on_segment(segment, std::move(packet), core_);
  if (verdict_ == Verdict::kReset) {
    if (const auto header = reset_for(segment)) {
      Sent reset;
      reset.when = core_.now;
      reset.segment = Segment{};
      reset.segment.seq = header->seq;
      reset.segment.ack = header->ack;
      reset.segment.flags = header->flags;
      log('<', core_.now, reset.segment);
      sent_.push_back(reset);
    }
  }
  if (!in_burst_) round();
}

Ladder& Ladder::icmp(net::IcmpError error, uint32_t seq, uint16_t room, uint16_t length) {
  net::IcmpReport report;
  report.error = error;
  report.sequence = (Seq{start_.origin.iss} + seq).value;
  report.room = room;
  report.length = length;
  connection().on_icmp(report, core_);
  if (!in_burst_) round();
  return *this;
}

// What a worker does after arrivals: serve, time out, emit, free.
void Ladder::round() {
  serve();
  for (uint32_t n = core_.wheel.expire(core_.now); n != TimerWheel::kNone;
       n = core_.wheel.expire(core_.now)) {
    connections_[n].on_timeout(core_);
  }
  serve();
  emit_ready();
  core_.released.clear();
  check();
  if (!gone_ && connection().finished()) {
    reason_ = tcb().close_reason;
    gone_ = true;
    connection().release(core_);
    core_.released.clear();
  }
}

void Ladder::serve() {
  const uint16_t news = connection().news();
  told_ = static_cast<uint16_t>(told_ | news);
  tcb().marks = static_cast<uint16_t>(tcb().marks & ~news);
}

void Ladder::emit_ready() {
  for (int bursts = 0; !core_.ready.empty(); ++bursts) {
    if (bursts > 1000) return fail("output never comes to an end");
    const std::vector<uint32_t> ready = std::exchange(core_.ready, {});
    for (const uint32_t index : ready) connections_[index].emit(core_);
    collect();
    core_.outbox.clear();
  }
}

// Reads the outbox as the peer would: from the bytes of its headers, and its text from the send queue.
void Ladder::collect() {
  for (const Departure& departure : core_.outbox.departures()) {
    std::vector<uint8_t> bytes(departure.header.length());
    write_header(departure.header, {80, 40'000}, bytes.data());
    Sent sent;
    sent.when = core_.now;
    uint32_t offset = 0;
    if (parse_segment(bytes, sent.segment, offset) != net::Drop::kNone) fail("a malformed header left");
    sent.segment.length = departure.text_length;
    // Eff.snd.MSS of RFC 9293 section 3.7.1: text makes room for options.
    const bool bounded =
        !sent.segment.has(kSyn) && departure.text_length != 0 && (tcb().hold & kHoldMtuProbe) == 0;
    if (bounded && departure.text_length + departure.header.option_length > connection().path_mss()) {
      fail("text and options are more than the path takes");
    }
    uint32_t place = sent.segment.seq - Seq{start_.origin.iss} + (sent.segment.has(kSyn) ? 1 : 0);
    sent.segment.ecn = departure.ecn;
    uint32_t left = departure.text_length;
    uint32_t skip = departure.text_offset;
    for (rte_mbuf* b = departure.text; left != 0; b = tcb().send_queue.after(b), skip = 0) {
      if (b == nullptr) return fail("a segment reaches beyond the send queue");
      const uint8_t* from = net::buffer::start(b) + net::buffer::field(b).offset + skip;
      const uint32_t n = std::min(left, net::buffer::field(b).length - skip);
      for (uint32_t i = 0; i < n; ++i) sent.text_right &= from[i] == pattern(place++, true);
      left -= n;
    }
    if (sent.segment.has_timestamps) last_ts_val_ = sent.segment.ts_val;
    const uint32_t end = sent.segment.end() - Seq{start_.origin.iss};
    if (static_cast<int32_t>(end - ours_next_) > 0) ours_next_ = end;
    log('<', core_.now, sent.segment);
    sent_.push_back(sent);
  }
}

void Ladder::check() {
  if (const char* rule = broken_rule(connection(), core_, watch_)) fail(std::string("broken: ") + rule);
  if (core_.held_packets != buffers_of(connection(), core_)) {
    fail("held_packets is " + std::to_string(core_.held_packets) + ", the connection keeps " +
         std::to_string(buffers_of(connection(), core_)));
  }
}

void Ladder::expect(const Row& row) {
  while (sent_.empty() && core_.wheel.next_expiry() <= stated_ + kSlack) run_to(core_.wheel.next_expiry());
  if (sent_.empty()) return fail("nothing leaves here");
  const Sent sent = sent_.front();
  sent_.pop_front();
  compare(row, sent);
}

void Ladder::compare(const Row& row, const Sent& sent) {
  const Segment& s = sent.segment;
  std::string wrong;
  const auto differs = [&wrong](const char* name, uint64_t found, uint64_t wanted) {
    if (found != wanted) wrong += number(name, found) + " (not " + std::to_string(wanted) + ")";
  };
  const uint8_t kept = static_cast<uint8_t>(row.psh ? 0xff : ~kPsh);
  const uint8_t wanted_flags = static_cast<uint8_t>(row.flags | (row.psh.value_or(false) ? kPsh : 0));
  if ((s.flags & kept) != (wanted_flags & kept)) {
    wrong += " flags " + flag_names(s.flags) + " (not " + flag_names(wanted_flags) + ")";
  }
  if (sent.when < stated_ || sent.when > stated_ + kSlack) {
    differs("microsecond", static_cast<uint64_t>(sent.when.microseconds()),
            static_cast<uint64_t>(stated_.microseconds()));
  }
  differs("text", s.length, row.text);
  if (!sent.text_right) wrong += " text is not what was sent";
  if (row.seq) differs("seq", s.seq - Seq{start_.origin.iss}, *row.seq);
  if (row.ack) differs("ack", s.ack - Seq{start_.origin.irs}, *row.ack);
  if (row.wnd) differs("wnd", s.wnd, *row.wnd);
  if (row.ecn) differs("ecn", static_cast<uint64_t>(s.ecn), static_cast<uint64_t>(*row.ecn));
  if (row.mss) differs("mss", s.mss, *row.mss);
  if (row.scale) differs("scale", s.window_scale, *row.scale);
  if (row.sack_permitted) differs("sack_permitted", s.sack_permitted, *row.sack_permitted);
  if (row.fast_open) {
    differs("Fast Open form", static_cast<uint8_t>(s.fast_open.form),
            static_cast<uint8_t>(row.fast_open->form));
    if (!std::ranges::equal(s.fast_open.bytes(), row.fast_open->bytes())) wrong += " Fast Open cookie";
  }
  if (row.timestamps) differs("timestamps", s.has_timestamps, *row.timestamps);
  if (row.ts_val) differs("ts_val", s.ts_val, *row.ts_val);
  if (row.ts_ecr) differs("ts_ecr", s.ts_ecr, *row.ts_ecr);
  differs("user timeout", s.user_timeout, row.user_timeout);
  differs("sack blocks", s.sack_count, row.sacks.size());
  for (uint32_t i = 0; i < std::min<size_t>(s.sack_count, row.sacks.size()); ++i) {
    differs("sack left", s.sacks[i].left - Seq{start_.origin.irs}, row.sacks[i][0]);
    differs("sack right", s.sacks[i].right - Seq{start_.origin.irs}, row.sacks[i][1]);
  }
  if (!wrong.empty()) fail("what left differs:" + wrong);
}

Ladder& Ladder::silent() {
  if (!sent_.empty()) {
    fail("this was not expected: " + std::to_string(sent_.size()) + " segments left");
    sent_.clear();
  }
  return *this;
}

Ladder& Ladder::silent_until(Duration t, int line) {
  silent();
  at(t, line);
  return silent();
}

std::optional<Segment> Ladder::next_out() {
  if (sent_.empty()) return std::nullopt;
  const Segment segment = sent_.front().segment;
  sent_.pop_front();
  return segment;
}

Ladder& Ladder::ignore_output() {
  sent_.clear();
  return *this;
}

Ladder& Ladder::burst(const std::function<void()>& events) {
  in_burst_ = true;
  events();
  in_burst_ = false;
  round();
  return *this;
}

bool Ladder::send(uint32_t bytes) {
  net::Packet packet = pattern_packet(written_, bytes, true);
  const bool taken = connection().send(packet, core_);
  if (taken) written_ += bytes;
  if (!in_burst_) round();
  return taken;
}

uint32_t Ladder::read(uint32_t packets) {
  uint32_t bytes = 0;
  for (uint32_t n = 0; packets == 0 || n < packets; ++n) {
    net::Packet packet = connection().receive(core_);
    if (!packet) break;
    for (uint32_t i = 0; i < packet.size(); ++i) {
      if (packet.data()[i] == pattern(read_ + i, false)) continue;
      fail("byte " + std::to_string(read_ + i) + " was read wrong");
      break;
    }
    read_ += packet.size();
    bytes += packet.size();
  }
  if (!in_burst_) round();
  return bytes;
}

Ladder& Ladder::shutdown() {
  connection().shutdown(core_);
  if (!in_burst_) round();
  return *this;
}

Ladder& Ladder::close() {
  connection().close(core_);
  if (!in_burst_) round();
  return *this;
}

Ladder& Ladder::abort() {
  connection().abort(core_);
  if (!in_burst_) round();
  return *this;
}

uint16_t Ladder::told() { return std::exchange(told_, uint16_t{0}); }

Ladder& Ladder::in_state(State state) {
  if (tcb().state != state) {
    fail(std::string("state is ") + state_name(tcb().state) + ", not " + state_name(state));
  }
  return *this;
}

Ladder& Ladder::gone(CloseReason reason) {
  if (!gone_) {
    fail(std::string("the connection is not gone but in ") + state_name(tcb().state));
  } else if (reason_ != reason) {
    fail("the connection ended for reason " + std::to_string(static_cast<int>(reason_)) + ", not " +
         std::to_string(static_cast<int>(reason)));
  }
  return *this;
}

void Ladder::log(char direction, net::Instant when, const Segment& s) {
  char time[32];
  std::snprintf(time, sizeof time, "%11.3f ms ", static_cast<double>(when.ns) / 1e6);
  const bool arrives = direction == '>';
  const Seq seq_origin{arrives ? start_.origin.irs : start_.origin.iss};
  const Seq ack_origin{arrives ? start_.origin.iss : start_.origin.irs};
  std::string line = time + std::string(arrives ? "-> " : "       <- ") + flag_names(s.flags) +
                     number("seq", s.seq - seq_origin);
  if (s.has(kAck)) line += number("ack", s.ack - ack_origin);
  line += number("wnd", s.wnd);
  if (s.length != 0) line += number("text", s.length);
  if (s.has_timestamps) line += number("ts", s.ts_val) + number("ecr", s.ts_ecr);
  if (s.mss != 0) line += number("mss", s.mss);
  for (uint32_t i = 0; i < s.sack_count; ++i) {
    line += " sack " + std::to_string(s.sacks[i].left - ack_origin) + "-" +
            std::to_string(s.sacks[i].right - ack_origin);
  }
  log_.push_back(line);
}

// Only the first fault of a ladder is reported: those after it follow from it.
void Ladder::fail(const std::string& message) {
  if (std::exchange(failed_, true)) return;
  std::string all = message + "\n  at or after line " + std::to_string(line_) + ", in this ladder:\n";
  const size_t first = log_.size() > 60 ? log_.size() - 60 : 0;
  for (size_t i = first; i < log_.size(); ++i) all += "  " + log_[i] + "\n";
  ADD_FAILURE() << all;
}

}  // namespace tern::test
