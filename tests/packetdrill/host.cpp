// SPDX-License-Identifier: BSD-3-Clause
// One core's TCP in virtual time, between IP packets and sockets.
#include "packetdrill/host.hpp"

#include <algorithm>
#include <utility>

#include "net/byte_order.hpp"
#include "net/checksum.hpp"
#include "net/icmp.hpp"
#include "net/icmp_error.hpp"
#include "net/ipv4.hpp"
#include "support/heap_packet.hpp"
#include "tcp/header.hpp"
#include "tcp/isn.hpp"
#include "tcp/reset.hpp"

namespace tern::packetdrill {

using namespace tcp;

namespace {
constexpr uint32_t kSlots = 256;
constexpr net::Instant kBirth{
    1'000'000'000'000};                   // not zero, so that neither timestamps nor ISNs begin there
constexpr uint32_t kChecksumOffset = 16;  // in the TCP header
}  // namespace

Host::Host()
    : now_(kBirth),
      connections_(kSlots),
      slots_(kSlots),
      core_(connections_, std::vector<Config>(kSlots), CoreLimits{}, kBirth),
      prf_({1, 2, 3, 4}),
      cookies_({5, 6, 7, 8}, kBirth),
      fast_open_cookies_({9}, kBirth) {}

Host::~Host() {
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (slots_[i].used) connections_[i].release(core_);
  }
  core_.released.clear();
}

// --- Time
// ---------------------------------------------------------------------------------------------------------

void Host::advance(net::Instant t) {
  while (core_.wheel.next_expiry() <= t) {
    now_ = std::max(now_, core_.wheel.next_expiry());
    core_.set_now(now_);
    time_out();
    round();
  }
  now_ = std::max(now_, t);
  core_.set_now(now_);
  cookies_.advance(now_);
}

void Host::time_out() {
  for (uint32_t n = core_.wheel.expire(core_.now); n != TimerWheel::kNone;
       n = core_.wheel.expire(core_.now)) {
    connections_[n].on_timeout(core_);
  }
}

// --- Arrival
// ------------------------------------------------------------------------------------------------------

void Host::receive(std::span<const uint8_t> packet) {
  net::Ipv4Header ip;
  if (net::parse_ipv4_header(packet, false, ip) != net::Drop::kNone) return;
  if (ip.protocol == net::ipv4::kProtocolIcmp) return on_icmp(packet.subspan(ip.header_length));
  if (ip.protocol != net::ipv4::kProtocolTcp) return;
  const auto bytes = packet.subspan(ip.header_length, ip.total_length - ip.header_length);
  net::ChecksumSum sum =
      net::pseudo_header(ip.source, ip.destination, ip.protocol, static_cast<uint16_t>(bytes.size()));
  sum.add(bytes);
  if (sum.finish() != 0) return;
  Segment segment;
  uint32_t offset = 0;
  if (parse_segment(bytes, segment, offset) != net::Drop::kNone) return;
  segment.ecn = ecn_field(ip.traffic_class);
  const Ports ports = parse_ports(bytes.data());
  net::Packet text;
  if (segment.length != 0) text = test::make_packet(bytes.subspan(offset));
  on_segment({ip.destination, ip.source, ports.destination, ports.source}, segment, std::move(text));
}

void Host::on_icmp(std::span<const uint8_t> message) {
  net::IcmpReport report;
  if (message.size() < net::kIcmpHeaderLength) return;
  if (net::parse_icmp_error(message, report) != net::Drop::kNone) return;
  if (const auto slot = find(report.tuple)) connections_[*slot].on_icmp(report, core_);
}

void Host::on_segment(const net::FourTuple& tuple, const Segment& segment, net::Packet text) {
  const auto slot = find(tuple);
  if (!slot) return on_stranger(tuple, segment, std::move(text));
  Connection& connection = connections_[*slot];
  const bool full = connection.half_open() && slots_[*slot].door != nullptr &&
                    slots_[*slot].door->accept_queue.size() > slots_[*slot].door->backlog;
  if (full && segment.has(kAck) && !segment.has(kSyn) && !segment.has(kRst)) {
    if (abort_on_overflow) connection.abort(core_);
    return;  // the SYN-ACK will be sent again
  }
  switch (connection.on_segment(segment, std::move(text), core_)) {
    case Verdict::kDone:
      break;
    case Verdict::kReset:
      if (const auto header = reset_for(segment)) transmit(tuple, *header, nullptr);
      break;
    case Verdict::kReopen:
      serve(*slot);
      connection.release(core_);
      slots_[*slot].used = false;
      on_stranger(tuple, segment, {});
  }
}

void Host::on_stranger(const net::FourTuple& tuple, const Segment& segment, net::Packet text) {
  if (segment.has(kRst)) return;
  Door* door = find_door(tuple);
  if (door != nullptr && segment.has(kAck) && !segment.has(kSyn) && door->config.cookies != Cookies::kNever) {
    return open_by_cookie(*door, tuple, segment, std::move(text));
  }
  if (door != nullptr && !segment.has(kAck)) {
    if (segment.has(kSyn)) on_syn(*door, tuple, segment, std::move(text));
    return;  // RFC 9293 section 3.10.7.2: anything else is dropped
  }
  if (const auto header = reset_for(segment)) transmit(tuple, *header, nullptr);
}

void Host::on_syn(Door& door, const net::FourTuple& tuple, const Segment& segment, net::Packet text) {
  const Listener listener(0, door.config);
  if (door.accept_queue.size() > door.backlog) return;
  const FastOpenCookies& keys = door.fast_open_cookies ? *door.fast_open_cookies : fast_open_cookies_;
  const auto fast_open = listener.decide_fast_open(segment, tuple.addresses(), keys, door.number, core_);
  const SynAnswer decision = fast_open.open ? SynAnswer::kQueue : listener.decide(door.half_open);
  if (decision == SynAnswer::kDrop) return;
  if (decision == SynAnswer::kCookie) {
    const auto header = listener.answer_syn(segment, seal(cookies_.query_for_syn(tuple.name())), cookies_,
                                            core_.ts_now, core_.counters, fast_open.answer);
    if (header) transmit(tuple, *header, nullptr);
    return;
  }
  const Seq iss = begin(prf_, tuple.name(), now_).iss;
  auto agreement = fast_open.open ? listener.agree_on_fast_open(segment, iss, 0, core_.counters)
                                  : listener.agree_on_syn(segment, iss, 0, core_.counters);
  const uint32_t slot = agreement ? place(door, tuple) : kNoSlot;
  if (slot == kNoSlot) return;
  agreement->profile = static_cast<uint16_t>(slot);
  agreement->fast_open = fast_open.answer;
  agreement->listener = door.number;
  if (fast_open.open) {
    connections_[slot].open_fast(*agreement, segment, std::move(text), core_);
  } else {
    connections_[slot].open_from_syn(*agreement, core_);
  }
}

// A slot for a connection that comes in by the door; kNoSlot when there is none.
uint32_t Host::place(Door& door, const net::FourTuple& tuple) {
  const uint32_t slot = take_slot(tuple, door.config);
  if (slot == kNoSlot) return slot;
  slots_[slot].door = &door;
  ++door.half_open;
  return slot;
}

void Host::open_by_cookie(Door& door, const net::FourTuple& tuple, const Segment& segment, net::Packet text) {
  const Listener listener(0, door.config);
  auto agreement = listener.accept_third(segment, seal(cookies_.query_for_ack(tuple.name(), segment.ack)),
                                         cookies_, core_.counters);
  const uint32_t slot = agreement ? place(door, tuple) : kNoSlot;
  if (slot == kNoSlot) {
    if (const auto header = reset_for(segment)) transmit(tuple, *header, nullptr);
    return;
  }
  agreement->profile = static_cast<uint16_t>(slot);
  connections_[slot].open_passive(*agreement, core_);
  connections_[slot].on_segment(segment, std::move(text), core_);
}

net::PrfBlock Host::seal(const SynCookies::Query& query) const {
  net::PrfBlock block;
  cookies_.seal(std::span(&query, 1), std::span(&block, 1));
  return block;
}

// --- Slots
// --------------------------------------------------------------------------------------------------------

std::optional<uint32_t> Host::find(const net::FourTuple& tuple) const {
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (slots_[i].used && slots_[i].tuple == tuple && connections_[i].tcb.state != State::kClosed) return i;
  }
  return std::nullopt;
}

Door* Host::find_door(const net::FourTuple& tuple) const {
  for (Door* door : doors_) {
    const bool address = door->address.is_unspecified() || door->address == tuple.local;
    if (address && door->port == tuple.local_port) return door;
  }
  return nullptr;
}

void Host::add_door(Door& door) {
  door.number = static_cast<uint16_t>(doors_made_++ % kSlots);
  doors_.push_back(&door);
}

void Host::remove_door(Door& door) {
  std::erase(doors_, &door);
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (!slots_[i].used || slots_[i].door != &door) continue;
    slots_[i].door = nullptr;
    connections_[i].fail(CloseReason::kAborted, core_);
  }
  for (const uint32_t slot : door.accept_queue) {
    slots_[slot].owned = false;
    connections_[slot].abort(core_);
  }
}

uint32_t Host::take_slot(const net::FourTuple& tuple, const Config& config) {
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (slots_[i].used) continue;
    slots_[i] = Slot{.tuple = tuple, .used = true};
    core_.profile(static_cast<uint16_t>(i)) = config;
    return i;
  }
  return kNoSlot;
}

uint32_t Host::connect(const net::FourTuple& tuple, const Config& config) {
  const uint32_t slot = take_slot(tuple, config);
  if (slot == kNoSlot) return slot;
  slots_[slot].owned = true;
  connections_[slot].open_active(begin(prf_, tuple.name(), now_).iss, static_cast<uint16_t>(slot), 0, core_);
  connections_[slot].try_fast_open(tuple.server_name(), core_);
  return slot;
}

void Host::orphan(uint32_t slot) { slots_[slot].owned = false; }

void Host::free_finished() {
  for (uint32_t i = 0; i < kSlots; ++i) {
    if (!slots_[i].used || slots_[i].owned || !connections_[i].finished()) continue;
    if (slots_[i].door != nullptr) --slots_[i].door->half_open;
    connections_[i].release(core_);
    slots_[i] = Slot{};
  }
}

// --- Serve and emit
// -----------------------------------------------------------------------------------------------

void Host::serve(uint32_t slot) {
  Tcb& tcb = connections_[slot].tcb;
  const uint16_t marks = connections_[slot].news();
  tcb.marks = static_cast<uint16_t>(tcb.marks & ~marks);
  if (marks == 0) return;
  Slot& place = slots_[slot];
  if ((marks & kMarkOpened) != 0 && place.door != nullptr) {
    --place.door->half_open;
    place.door->accept_queue.push_back(slot);
    place.door = nullptr;
    place.owned = true;
  }
  if (tell) tell(slot, marks);
}

void Host::round() {
  emit();
  free_finished();
  core_.released.clear();
  if (after_round) after_round();
}

void Host::emit() {
  while (!core_.ready.empty()) {
    for (size_t i = 0; i < core_.ready.size(); ++i) serve(core_.ready[i]);
    const std::vector<uint32_t> ready = std::exchange(core_.ready, {});
    for (const uint32_t slot : ready) connections_[slot].emit(core_);
    if (core_.outbox.room() < core_.limits.outbox / 2) depart();
  }
  depart();
}

// PSH as scripts expect it of Linux: at the end of each write, and of what leaves Linux as one packet of
// several segments, at most half its window. packetdrill looks at the last segment of what it expects only:
// so all of such a packet but its first have it. This is the place-th, from 0, of new text in a row.
bool Host::pushes(const Departure& departure, uint32_t place) const {
  if (departure.text_length == 0 || (departure.header.flags & kSyn) != 0) return false;
  const Tcb& tcb = connections_[departure.connection].tcb;
  if (tcb.extra != tcp::kNoSlot && core_.extras[tcb.extra].more) return false;
  const Seq end = departure.header.seq + departure.text_length;
  const uint32_t packet = std::max(tcb.cwnd / tcb.mss / 2, 1u);
  if (place % packet != 0 && end > slots_[departure.connection].sent_end) return true;
  rte_mbuf* b = departure.text;
  while (Seq{net::buffer::field(b).seq} + net::buffer::field(b).length < end) b = tcb.send_queue.after(b);
  return Seq{net::buffer::field(b).seq} + net::buffer::field(b).length == end;
}

void Host::depart() {
  const std::span<const Departure> all = core_.outbox.departures();
  uint32_t place = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    SegmentHeader header = all[i].header;
    const bool continues = i != 0 && all[i - 1].connection == all[i].connection &&
                           all[i - 1].text_length != 0 &&
                           all[i - 1].header.seq + all[i - 1].text_length == header.seq;
    place = continues ? place + 1 : 0;
    if (pushes(all[i], place)) header.flags |= kPsh;
    Slot& slot = slots_[all[i].connection];
    const bool syn = (header.flags & kSyn) != 0;
    const Seq end = header.seq + (syn ? 1 : all[i].text_length);
    const bool first = syn && (slot.undelivered.empty() || slot.undelivered.front() != end);
    if (first || (!syn && end > slot.sent_end)) slot.undelivered.push_back(end);
    slot.sent_end = syn ? end : later(slot.sent_end, end);
    transmit(slot.tuple, header, &all[i]);
  }
  core_.outbox.clear();
}

uint32_t Host::delivered(uint32_t index) {
  Slot& slot = slots_[index];
  const Tcb& tcb = connections_[index].tcb;
  while (!slot.undelivered.empty() && slot.undelivered.front() <= tcb.snd.una) {
    // Of a Fast Open SND.UNA lies beyond the SYN from the start.
    if (tcb.state == State::kSynReceived || tcb.state == State::kSynSent) break;
    slot.undelivered.pop_front();
    ++slot.delivered;
  }
  return slot.delivered;
}

void Host::transmit(const net::FourTuple& tuple, const SegmentHeader& header, const Departure* departure) {
  constexpr uint16_t kIp = net::ipv4::kHeaderLength;
  SentPacket packet;
  packet.when = now_;
  std::vector<uint8_t>& bytes = packet.bytes;
  bytes.resize(kIp + header.length());
  write_header(header, {tuple.local_port, tuple.remote_port}, bytes.data() + kIp);
  if (departure != nullptr) {
    const net::PacketQueue& queue = connections_[departure->connection].tcb.send_queue;
    uint32_t left = departure->text_length;
    uint32_t skip = departure->text_offset;
    for (rte_mbuf* b = departure->text; left != 0; b = queue.after(b), skip = 0) {
      const uint8_t* from = net::buffer::start(b) + net::buffer::field(b).offset + skip;
      const uint32_t n = std::min(left, net::buffer::field(b).length - skip);
      bytes.insert(bytes.end(), from, from + n);
      left -= n;
    }
  }
  const std::span segment = std::span(bytes).subspan(kIp);
  net::ChecksumSum sum = net::pseudo_header(tuple.local, tuple.remote, net::ipv4::kProtocolTcp,
                                            static_cast<uint16_t>(segment.size()));
  sum.add(segment);
  net::store_be16(segment.data() + kChecksumOffset, sum.finish());
  net::Ipv4Fields ip;
  ip.total_length = static_cast<uint16_t>(bytes.size());
  ip.protocol = net::ipv4::kProtocolTcp;
  if (departure != nullptr) ip.traffic_class = traffic_class(departure->ecn);
  ip.source = tuple.local;
  ip.destination = tuple.remote;
  net::write_ipv4_header(bytes.data(), ip);
  sent.push_back(std::move(packet));
}

}  // namespace tern::packetdrill
