// SPDX-License-Identifier: BSD-3-Clause
// One end of a connection in virtual time, as a worker would run it.
#include "support/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "support/heap_packet.hpp"
#include "tcp/header.hpp"
#include "tcp/reset.hpp"

namespace tern::test {

using namespace tcp;

namespace {

constexpr uint8_t kProtocol = 6;

// The byte at a place of the stream that the active or the passive end writes.
uint8_t stream_byte(uint64_t place, bool active) {
  return static_cast<uint8_t>((place * 0x9e3779b97f4a7c15u >> 56) + (active ? 1 : 0));
}

}  // namespace

Endpoint::Endpoint(bool active, const EndPlan& plan, const net::FourTuple& tuple, VirtualLink& out,
                   uint64_t seed)
    : active_(active),
      plan_(plan),
      tuple_(tuple),
      out_(out),
      random_(seed),
      connections_(1),
      dormants_(1),
      core_(connections_, Slots(1, 1), dormants_, std::span(&plan_.config, 1), 1, plan.limits, plan.start),
      listener_(0, plan_.config),
      cookies_({static_cast<uint8_t>(seed), 7}, plan.start),
      fast_open_cookies_({static_cast<uint8_t>(seed), 8}, plan.start) {
  core_.open(0);
}

Endpoint::~Endpoint() {
  if (!gone_) connection().release(core_);
  core_.released.clear();
}

void Endpoint::open(net::Instant now) {
  core_.set_now(now);
  exists_ = true;
  connection().open_active(Seq{static_cast<uint32_t>(random_())}, 0, static_cast<uint32_t>(random_()), core_);
  know_path();
  connection().try_fast_open(tuple_.server_name(), core_);
  if (connection().syn_text_limit(core_) != 0) write_text();
  emit();
}

FastOpenOption Endpoint::cookie() const {
  return fast_open_cookies_.make(tuple_.addresses(), FastOpenOption::Form::kStandard);
}

void Endpoint::remember(const FastOpenOption& cookie) {
  FastOpenAnswer answer;
  answer.mss = plan_.config.mss;
  answer.option = cookie;
  core_.fast_open_servers.learn(tuple_.server_name(), answer, core_.now);
}

void Endpoint::poll(VirtualLink& in, net::Instant now) {
  core_.set_now(std::max(now, core_.now));
  cookies_.advance(core_.now);
  fast_open_cookies_.advance(core_.now);
  while (const auto frame = in.receive(now)) arrive(*frame);
  while (const auto report = out_.refusal(now)) {
    if (exists_) connection().on_icmp(*report, core_);
  }
  accept();
  serve();
  for (uint32_t n = core_.wheel.expire(core_.now); n != TimerWheel::kNone;
       n = core_.wheel.expire(core_.now)) {
    connections_[n].on_timeout(core_);
  }
  serve();
  emit();
  core_.released.clear();
  check();
  if (exists_ && connection().finished()) finish();
  if (plan_.sleeps && core_.put_one_to_sleep()) core_.wake(0);
}

void Endpoint::finish() {
  exists_ = false;
  gone_ = opened_ || active_;  // else it ended before anybody heard of it, and who listens listens on
  reason_ = connection().tcb.close_reason;
  while (connection().tcb.unread != 0 && fault.empty()) read_text();  // what was not read yet is still there
  connection().release(core_);
  core_.open(0);
  core_.released.clear();
  pending_.reset();
  accept_at_ = net::Instant::never();
}

// What the stack remembers of the path, said before the first segment.
void Endpoint::know_path() {
  constexpr net::Duration kRemembered = std::chrono::minutes(10);
  if (plan_.path_known != 0) connection().limit_path(plan_.path_known, core_.now + kRemembered, core_);
}

// The accept call, for a service that is told of nobody without.
void Endpoint::accept() {
  if (!exists_ || !connection().waiting()) return;
  if (accept_at_.is_never()) accept_at_ = core_.now + plan_.accept_after;
  if (core_.now < accept_at_) return;
  if (core_.accept(0) != 0) blame("who waits is accepted");
  accept_at_ = net::Instant::never();
}

net::Instant Endpoint::next() const {
  const bool waiting = exists_ && opened_ && connections_[0].tcb.unread != 0;
  return std::min({core_.wheel.next_expiry(), accept_at_,
                   waiting ? std::max(next_read_, core_.now) : net::Instant::never()});
}

void Endpoint::give_up(net::Instant now) {
  core_.set_now(std::max(now, core_.now));
  if (exists_) connection().abort(core_);
}

void Endpoint::arrive(const Carried& carried) {
  const std::vector<uint8_t>& frame = carried.bytes;
  net::ChecksumSum sum =
      net::pseudo_header(tuple_.remote, tuple_.local, kProtocol, static_cast<uint16_t>(frame.size()));
  sum.add(frame);
  if (sum.finish() != 0) {
    ++checksum_failures_;
    return;
  }
  Segment segment;
  uint32_t offset = 0;
  if (parse_segment(frame, segment, offset) != net::Drop::kNone) return blame("what is sent can be parsed");
  segment.ecn = carried.ecn;
  net::Packet text;
  if (segment.length != 0) text = make_packet(std::span(frame).subspan(offset));
  if (!exists_) return stranger(segment, std::move(text));
  const Verdict verdict = connection().on_segment(segment, std::move(text), core_);
  if (verdict == Verdict::kReset) {
    if (const auto reset = reset_for(segment)) transmit(*reset, nullptr);
  }
  if (verdict == Verdict::kReopen) blame("nobody opens the connection anew");
}

// A segment for no connection. While the handshake is under way what is not its third segment is passed over:
// text that overtook it would be answered by RST, and the connection be lost with it.
void Endpoint::stranger(const Segment& segment, net::Packet text) {
  if (gone_) {
    if (const auto reset = reset_for(segment)) transmit(*reset, nullptr);
    return;
  }
  if (segment.has(kSyn)) return answer_syn(segment, std::move(text));
  net::PrfBlock seal;
  const auto query = cookies_.query_for_ack(tuple_.name(), segment.ack);
  cookies_.seal(std::span(&query, 1), std::span(&seal, 1));
  const auto agreement = listener_.accept_third(segment, seal, cookies_, core_.counters);
  if (!agreement) return;
  connection().open_passive(*agreement, core_);
  know_path();
  exists_ = true;
  if (connection().on_segment(segment, std::move(text), core_) != Verdict::kDone)
    blame("a third segment opens");
}

// Opened at once by its text, queued, or answered by a cookie, as configured.
void Endpoint::answer_syn(const Segment& syn, net::Packet text) {
  const auto decision = listener_.decide_fast_open(syn, tuple_.addresses(), fast_open_cookies_, 0, core_);
  if (decision.open) {
    const Seq iss{static_cast<uint32_t>(random_())};
    auto agreement = listener_.agree_on_fast_open(syn, iss, static_cast<uint32_t>(random_()), core_.counters);
    if (!agreement) return;
    agreement->fast_open = decision.answer;
    connection().open_fast(*agreement, syn, std::move(text), core_);
    exists_ = true;
    return;
  }
  if (listener_.decide(0) == SynAnswer::kQueue) {
    const Seq iss{static_cast<uint32_t>(random_())};
    auto agreement = listener_.agree_on_syn(syn, iss, static_cast<uint32_t>(random_()), core_.counters);
    if (!agreement) return blame("a SYN can be queued");
    agreement->fast_open = decision.answer;
    connection().open_from_syn(*agreement, core_);
    know_path();
    exists_ = true;
    return;
  }
  net::PrfBlock seal;
  const auto query = cookies_.query_for_syn(tuple_.name());
  cookies_.seal(std::span(&query, 1), std::span(&seal, 1));
  const auto header =
      listener_.answer_syn(syn, seal, cookies_, core_.ts_now, core_.counters, decision.answer);
  if (header) transmit(*header, nullptr);
}

void Endpoint::serve() {
  if (!exists_) return;
  Tcb& tcb = connection().tcb;
  const uint16_t told = connection().news();
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~told);
  if ((told & kMarkOpened) != 0) opened_ = true;
  if ((told & kMarkClosed) != 0) closed_ = true;
  if (!opened_ || gone_) return;
  if (core_.now >= next_read_) read_text();
  if (connection().at_end()) reached_end_ = true;
  if (closed_) return;
  choose();
  write_text();
  maybe_end();
}

void Endpoint::choose() {
  std::erase_if(plan_.choices, [this](const Choice& choice) {
    if (written_ + read_ < choice.at) return false;
    const Error error = connection().set_option(choice.option, choice.value, core_);
    if (error == Error::kNone) {
      ++options_chosen_;
      if (choice.option == Option::kAccountLimits) accounted_at_ = net::Instant::never();  // it begins anew
      if (connection().option(choice.option, core_) != choice.value) blame("an option is what was chosen");
    } else if (error != Error::kNoBuffers || plan_.limits.extras != 0) {
      blame(std::string("an option may be chosen, not ") + to_string(error));
    }
    return true;
  });
}

void Endpoint::read_text() {
  for (uint32_t n = 0; n < plan_.packets_per_read; ++n) {
    if (!read_some()) {
      const bool open = connection().tcb.state != State::kClosed && !connection().at_end();
      if (open && connection().receive_error() == Error::kNone) blame("receive() says why it gives nothing");
      break;
    }
    next_read_ = core_.now + plan_.read_pause;
  }
  if (connection().at_end()) reached_end_ = true;
}

// The next packet, or some bytes of the next few.
bool Endpoint::read_some() {
  if (!plan_.skips) {
    const net::Packet packet = connection().receive(core_);
    if (packet) take({packet.data(), packet.size()});
    return static_cast<bool>(packet);
  }
  const Tcb& tcb = connection().tcb;
  if (connection().peek() == nullptr) return false;
  const auto bytes = static_cast<uint32_t>(1 + random_() % tcb.unread);
  uint32_t left = bytes;
  for (rte_mbuf* b = connection().peek(); left != 0; b = tcb.receive_queue.after(b)) {
    const auto n = std::min<uint32_t>(left, net::buffer::field(b).length);
    take({net::buffer::start(b) + net::buffer::field(b).offset, n});
    left -= n;
  }
  connection().skip(bytes, core_);
  return true;
}

void Endpoint::take(std::span<const uint8_t> text) {
  for (const uint8_t byte : text) {
    if (byte != stream_byte(read_++, !active_)) return blame("what is read is what was written");
  }
}

void Endpoint::write_text() {
  while (!ended_) {
    if (!pending_) {
      const uint32_t left = plan_.bytes - static_cast<uint32_t>(written_);
      if (left == 0) return;
      std::vector<uint8_t> bytes(std::min<uint64_t>(left, 1 + random_() % plan_.largest_write));
      for (uint32_t i = 0; i < bytes.size(); ++i) bytes[i] = stream_byte(written_ + i, active_);
      pending_ = make_packet(bytes);
    }
    const uint32_t size = pending_.size();
    const bool more = plan_.says_more && written_ + size != plan_.bytes;
    if (!(more ? connection().send_more(pending_, core_) : connection().send(pending_, core_))) {
      if (connection().send_error(core_) == Error::kNone) blame("send() says why it takes nothing");
      return;
    }
    written_ += size;
  }
}

void Endpoint::maybe_end() {
  const bool at_point = written_ + read_ >= plan_.ending_at;
  const bool all_written = written_ == plan_.bytes;
  switch (plan_.ending) {
    case Ending::kShutdown:
      if (all_written && !std::exchange(ended_, true)) connection().shutdown(core_);
      break;
    case Ending::kWaitForPeer:
      break;
    case Ending::kCloseEarly:
      if (at_point && !std::exchange(ended_, true)) close();
      return;
    case Ending::kAbort:
      if (at_point && !std::exchange(ended_, true)) connection().abort(core_);
      return;
    case Ending::kWithdraw:
      if (at_point && !std::exchange(ended_, true)) withdraw();
      return;
    case Ending::kFail:
      if (at_point && !std::exchange(ended_, true)) connection().fail(CloseReason::kUnreachable, core_);
      return;
  }
  if (all_written && connection().at_end()) {
    ended_ = true;
    close();
  }
}

void Endpoint::close() {
  if (closed_at_.is_never()) closed_at_ = core_.now;
  connection().close(core_);
}

void Endpoint::withdraw() {
  net::PacketQueue text;
  if (!connection().withdraw(text, core_)) return connection().abort(core_);
  uint64_t place = 0;
  while (const net::Packet packet = text.pop_front()) {
    for (uint32_t i = 0; i < packet.size(); ++i) {
      if (packet.data()[i] != stream_byte(place++, active_))
        return blame("what comes back is what was written");
    }
  }
  if (place != written_) blame("all comes back of which nothing was acknowledged");
}

void Endpoint::emit() {
  for (uint32_t bursts = 0; !core_.ready.empty(); ++bursts) {
    if (bursts > 10'000) return blame("output comes to an end");
    const std::vector<uint32_t> ready = std::exchange(core_.ready, {});
    for (const uint32_t index : ready) connections_[index].emit(core_);
    for (const Departure& departure : core_.outbox.departures()) {
      check_announced(departure.header);
      check_ecn(departure);
      transmit(departure.header, &departure);
    }
    core_.outbox.clear();
    serve();
  }
}

void Endpoint::transmit(const SegmentHeader& header, const Departure* departure) {
  std::vector<uint8_t> frame(header.length());
  write_header(header, {tuple_.local_port, tuple_.remote_port}, frame.data());
  if (departure != nullptr) {
    uint32_t left = departure->text_length;
    uint32_t skip = departure->text_offset;
    if (left > plan_.config.mss) blame("no segment is larger than our MSS");
    const bool bounded =
        left != 0 && (header.flags & kSyn) == 0 && (connection().tcb.hold & kHoldMtuProbe) == 0;
    if (bounded && left + header.option_length > connection().path_mss()) {
      blame("text and options are what the path takes");
    }
    for (rte_mbuf* b = departure->text; left != 0; b = connection().tcb.send_queue.after(b), skip = 0) {
      const uint8_t* from = net::buffer::start(b) + net::buffer::field(b).offset + skip;
      const uint32_t n = std::min(left, net::buffer::field(b).length - skip);
      frame.insert(frame.end(), from, from + n);
      left -= n;
    }
  }
  net::ChecksumSum sum =
      net::pseudo_header(tuple_.local, tuple_.remote, kProtocol, static_cast<uint16_t>(frame.size()));
  sum.add(frame);
  net::store_be16(frame.data() + 16, sum.finish());
  out_.send({std::move(frame), departure == nullptr ? EcnField::kNotCapable : departure->ecn}, core_.now);
}

// RFC 3168 section 6.1: only text, when both have agreed, and when it is sent for the first time.
void Endpoint::check_ecn(const Departure& departure) {
  const Seq end = departure.header.seq + departure.text_length;
  if (departure.ecn != EcnField::kNotCapable) {
    if (!connection().has(kEcnOn)) blame("nothing is capable of ECN before it is agreed on");
    if (departure.text_length == 0) blame("nothing without text is capable of ECN");
    if (sent_ && departure.header.seq < sent_end_) blame("nothing that is sent again is capable of ECN");
  }
  if (departure.text_length == 0 || (departure.header.flags & kSyn) != 0) return;
  sent_end_ = sent_ ? later(sent_end_, end) : end;
  sent_ = true;
}

// RFC 9293 section 3.8.6.2.2: the right edge as the peer sees it stays, but for the grain of its scale (RFC
// 7323 section 2.4).
void Endpoint::check_announced(const SegmentHeader& header) {
  if ((header.flags & (kRst | kSyn)) != 0) return;
  const uint32_t scale = connection().tcb.rcv_scale;
  const Seq edge = header.ack + (uint32_t{header.wnd} << scale);
  const Seq floor = edge + ((1u << scale) - 1);
  if (announced_ && floor < announced_edge_) blame("the right edge that we announce never moves left");
  announced_edge_ = announced_ ? later(announced_edge_, edge) : edge;
  announced_ = true;
}

void Endpoint::check() {
  if (gone_) return;
  check_info();
  if (const char* rule = broken_rule(connection(), core_, watch_)) blame(rule);
  const uint64_t kept = buffers_of(connection(), core_);
  if (core_.held_packets != kept) {
    blame("held_packets, " + std::to_string(core_.held_packets) + ", counts what is kept, " +
          std::to_string(kept));
  }
}

void Endpoint::check_info() {
  const Tcb& tcb = connection().tcb;
  if (!exists_ || tcb.state <= State::kSynReceived) return;
  const Info info = connection().info(core_);
  if (info.bytes_received != static_cast<uint32_t>(read_) + tcb.unread) {
    blame("what was received is what was read and what is not yet");
  }
  if (info.bytes_acknowledged > written_) blame("no more is acknowledged than was written");
  const net::Duration linger{std::chrono::milliseconds(connection().option(Option::kLinger, core_))};
  constexpr net::Duration kTick = std::chrono::milliseconds(2);  // of the wheel, and the step of a deadline
  if ((tcb.hold & kHoldLinger) != 0 && core_.now > closed_at_ + linger + kTick) blame("linger has a bound");
  if (connection().option(Option::kAccountLimits, core_) == 0 || tcb.extra == kNoSlot) return;
  net::Duration accounted{0};
  for (const net::Duration part : info.limit_times) accounted += part;
  if (!accounted_at_.is_never() && accounted - accounted_ != core_.now - accounted_at_) {
    blame("all time is accounted for");
  }
  accounted_at_ = core_.now;
  accounted_ = accounted;
}

void Endpoint::blame(const std::string& rule) {
  if (fault.empty()) {
    fault = std::string(active_ ? "active" : "passive") + " end at " +
            std::to_string(core_.now.microseconds()) + " us in " + state_name(connections_[0].tcb.state) +
            ": " + rule;
  }
}

}  // namespace tern::test
