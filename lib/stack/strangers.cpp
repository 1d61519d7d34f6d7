// SPDX-License-Identifier: BSD-3-Clause
// Segments that no connection knows: SYNs, the third segments of handshakes, what belongs to a TIME-WAIT, and
// what is answered by RST. RFC 9293 sections 3.10.7.1 and 3.10.7.2.
#include <array>
#include <utility>

#include "stack/worker.hpp"
#include "tcp/isn.hpp"
#include "tcp/reset.hpp"

namespace tern::stack {

namespace dpdk = net::dpdk;

// The PRF of all cookies in a burst is computed at once.
void Worker::on_strangers(uint8_t attachment, std::span<Arrival> arrivals, std::span<const uint32_t> hashes,
                          std::span<const uint8_t> strangers) {
  std::array<tcp::SynCookies::Query, Ingress::kBurst> queries;
  std::array<net::PrfBlock, Ingress::kBurst> seals;
  std::array<const tcp::Listener*, Ingress::kBurst> listeners;
  const size_t count = strangers.size();
  for (size_t i = 0; i < count; ++i) {
    const Arrival& arrival = arrivals[strangers[i]];
    listeners[i] = listeners_.find(arrival.tuple.local, arrival.tuple.local_port);
    queries[i] = arrival.seg.has(tcp::kSyn) ? cookies_.query_for_syn(arrival.tuple.name())
                                            : cookies_.query_for_ack(arrival.tuple.name(), arrival.seg.ack);
  }
  cookies_.seal(std::span(queries).first(count), std::span(seals).first(count));

  opened_in_burst_.reset();
  for (size_t i = 0; i < count; ++i) {
    Arrival& arrival = arrivals[strangers[i]];
    const uint32_t hash = hashes[strangers[i]];
    if (opened_in_burst_.test(hash % opened_in_burst_.size())) {  // perhaps what this segment belongs to
      const int32_t position = table_.find(arrival.tuple, hash);
      if (position != dpdk::FlowTable::kAbsent) on_hit(arrival, static_cast<uint32_t>(position));
      if (arrival.frame == nullptr) continue;
    }
    on_stranger(attachment, arrival, hash, listeners[i], seals[i]);
    if (arrival.frame != nullptr) dpdk::free_frame(std::exchange(arrival.frame, nullptr));
  }
}

void Worker::on_stranger(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener* listener,
                         const net::PrfBlock& seal) {
  const tcp::Segment& seg = arrival.seg;
  if (!time_waits_.empty()) {
    TimeWaits::Entry* entry = time_waits_.find(arrival.tuple, hash);
    if (entry != nullptr && on_time_wait(arrival, *entry)) return;
  }
  if (listener == nullptr && options_.seat.is_anothers(arrival.tuple.local_port)) {
    return ingress_.hand_on(std::exchange(arrival.frame, nullptr), attachment, arrival.tuple.local_port);
  }
  const bool may_open = listener != nullptr && seg.has(tcp::kAck) && takes_cookies(*listener);
  if (may_open && open_passive(attachment, arrival, hash, *listener, seal)) return;
  ++core_.counters.segments_received;  // of one that opens, the connection does it
  if (seg.has(tcp::kRst)) ++core_.counters.resets_received;
  if (listener == nullptr) {
    ++core_.counters.listen_unserved;
    reset_stranger(attachment, arrival);
  } else if (seg.has(tcp::kAck)) {
    if (may_open && tcp::Listener::overtook_third(seg, seal, core_.ts_now, core_.counters)) return;
    reset_stranger(attachment, arrival);
  } else if (seg.has(tcp::kSyn)) {
    on_syn(attachment, arrival, hash, *listener, seal);
  }
}

// RFC 9293 section 3.10.7.2, third; whether anything is kept for it is RFC 4987's subject.
void Worker::on_syn(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                    const net::PrfBlock& seal) {
  tcp::Counters& counters = core_.counters;
  const tcp::Config& config = profiles_[listener.profile()];
  tcp::Backlog& backlog = core_.backlogs[listener.profile()];
  const Admission admission = draining_.load(std::memory_order_relaxed)
                                  ? Admission::kReset
                                  : bindings_[listener.profile()].service->admits(arrival.tuple);
  if (admission != Admission::kAdmitted) {
    ++counters.syns_received;
    ++counters.listen_drops;
    if (admission == Admission::kReset) reset_stranger(attachment, arrival);
    return;
  }
  if (core_.backlogs.overflows(listener.profile(), config)) {
    ++counters.syns_received;
    ++counters.accept_overflows;
    ++counters.listen_drops;
    return;
  }
  const auto fast_open = listener.decide_fast_open(arrival.seg, arrival.tuple.addresses(), fast_open_cookies_,
                                                   listener.profile(), core_);
  if (fast_open.open && open_fast(attachment, arrival, hash, listener, fast_open.answer)) return;
  switch (listener.decide(static_cast<uint32_t>(backlog.half_open.count.value()))) {
    case tcp::SynAnswer::kDrop:
      ++counters.syns_received;
      ++counters.syns_dropped_full;
      ++counters.listen_drops;
      return;
    case tcp::SynAnswer::kQueue:
      if (queue_syn(attachment, arrival, hash, listener, fast_open.answer)) return;
      [[fallthrough]];  // no room in the table, or no TCB
    case tcp::SynAnswer::kCookie:
      break;
  }
  const auto answer =
      listener.answer_syn(arrival.seg, seal, cookies_, core_.ts_now, counters, fast_open.answer);
  if (!answer) return;
  if (config.cookies == tcp::Cookies::kWhenFull) {
    ++counters.syns_answered_full;
    backlog.cookies_until = core_.now + 2 * tcp::SynCookies::kEpoch;
  }
  egress_.reply(std::exchange(arrival.frame, nullptr), *answer,
                {arrival.tuple, hash, arrival.from, attachment}, config.marking);
}

// A connection that begins with its SYN's text, whatever answers the SYNs of others: RFC 7413. False where
// there is no room for it, and it is to begin as any other.
bool Worker::open_fast(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                       const tcp::FastOpenOption& answer) {
  const int32_t position = insert(arrival.tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) {
    ++core_.counters.fast_open_refused;
    return false;
  }
  const tcp::Beginning beginning = tcp::begin(isn_prf_, arrival.tuple.name(), core_.now);
  auto agreement =
      listener.agree_on_fast_open(arrival.seg, beginning.iss, beginning.ts_offset, core_.counters);
  const auto index = static_cast<uint32_t>(position);
  paths_[index] = {arrival.tuple, hash, arrival.from, attachment};
  if (!agreement) {
    forget(index);
    return true;
  }
  agreement->fast_open = answer;
  agreement->listener = listener.profile();
  opened_in_burst_.set(hash % opened_in_burst_.size());
  core_.connection(index).open_fast(*agreement, arrival.seg, take_text(arrival), core_);
  return true;
}

// A half-open connection for a SYN; its SYN-ACK leaves with the round's output. False when a cookie is to be
// the answer instead.
bool Worker::queue_syn(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                       const tcp::FastOpenOption& fast_open) {
  const bool room = !core_.pressed() && table_.size() < options_.max_connections;
  const int32_t position = room ? place(arrival.tuple, hash) : dpdk::FlowTable::kAbsent;
  if (position == dpdk::FlowTable::kAbsent) {
    if (profiles_[listener.profile()].cookies == tcp::Cookies::kWhenFull) return false;
    ++core_.counters.syns_received;
    ++core_.counters.syns_dropped_full;
    ++core_.counters.listen_drops;
    return true;
  }
  const auto index = static_cast<uint32_t>(position);
  paths_[index] = {arrival.tuple, hash, arrival.from, attachment};
  const tcp::Beginning beginning = tcp::begin(isn_prf_, arrival.tuple.name(), core_.now);
  auto agreement = listener.agree_on_syn(arrival.seg, beginning.iss, beginning.ts_offset, core_.counters);
  if (!agreement) {
    forget(index);
    return true;
  }
  opened_in_burst_.set(hash % opened_in_burst_.size());
  agreement->fast_open = fast_open;
  core_.connection(index).open_from_syn(*agreement, core_);
  limit_path(index);
  return true;
}

// Where cookies are sent only when the SYN queue is full, they are taken only for as long as the last one is
// good: a guessed one has no better chance than that.
bool Worker::takes_cookies(const tcp::Listener& listener) const {
  switch (profiles_[listener.profile()].cookies) {
    case tcp::Cookies::kAlways:
      return true;
    case tcp::Cookies::kWhenFull:
      return core_.now < core_.backlogs[listener.profile()].cookies_until;
    case tcp::Cookies::kNever:
      return false;
  }
  return false;
}

// A position for one more connection. Half-open ones, the oldest first, make room for one whose handshake is
// done, or for our own: those that a flood left behind keep nobody out.
int32_t Worker::insert(const net::FourTuple& tuple, uint32_t hash) {
  const int32_t position = place(tuple, hash);
  if (position != dpdk::FlowTable::kAbsent) return position;
  const uint32_t oldest = core_.backlogs.oldest_half_open();
  if (oldest == tcp::kNoSlot) return position;
  ++core_.counters.half_open_evicted;
  forget(oldest);
  return place(tuple, hash);
}

// A position in the table, and a connection that is awake.
int32_t Worker::place(const net::FourTuple& tuple, uint32_t hash) {
  const int32_t position = table_.insert(tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) return position;
  if (core_.open(static_cast<uint32_t>(position)) != nullptr) return position;
  table_.erase(tuple, hash);
  return dpdk::FlowTable::kAbsent;
}

// A segment of a connection in TIME-WAIT: the connection is made anew for as long as it takes to meet the
// segment and to answer. False when a new SYN has ended it, which is then a stranger's.
bool Worker::on_time_wait(Arrival& arrival, TimeWaits::Entry& entry) {
  tcp::Connection* const opened = core_.open(options_.max_connections);
  if (opened == nullptr) return true;
  tcp::Connection& connection = *opened;
  net::Counter& gauge = core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  --gauge;
  entry.record.expand(connection, core_);
  const tcp::Verdict verdict = connection.on_segment(arrival.seg, {}, core_);
  connection.emit(core_);
  for (const tcp::Departure& departure : core_.outbox.departures()) {
    egress_.depart(departure, entry.path, core_.config(connection).marking);
  }
  core_.outbox.clear();
  const bool stays = connection.tcb.state == tcp::State::kTimeWait && verdict != tcp::Verdict::kReopen;
  if (stays) {
    entry.record = tcp::TimeWait::compact(connection, core_);
    if (!connection.tcb.idle_deadline.is_never())
      time_waits_.restart(entry, connection.tcb.idle_deadline.instant(core_.now));
    ++gauge;
  } else {
    time_waits_.erase(entry);
  }
  connection.release(core_);
  if (verdict == tcp::Verdict::kReopen)
    core_.counters.segments_received.subtract(1);  // counted again as a stranger's
  return verdict != tcp::Verdict::kReopen;
}

void Worker::reset_stranger(uint8_t attachment, Arrival& arrival) {
  const auto header = tcp::reset_for(arrival.seg);
  if (!header) return;
  egress_.reply(std::exchange(arrival.frame, nullptr), *header, {arrival.tuple, 0, arrival.from, attachment});
  ++core_.counters.resets_sent;
  ++core_.counters.segments_sent;
}

// An ACK to a listening address opens a connection if it is the third segment of a handshake and there is
// room.
bool Worker::open_passive(uint8_t attachment, Arrival& arrival, uint32_t hash, const tcp::Listener& listener,
                          const net::PrfBlock& seal) {
  const auto agreement = listener.accept_third(arrival.seg, seal, cookies_, core_.counters);
  if (!agreement) return false;
  const tcp::Config& config = profiles_[listener.profile()];
  if (core_.backlogs.overflows(listener.profile(), config)) {
    ++core_.counters.accept_overflows;
    if (config.abort_on_overflow) return false;
    ++core_.counters.listen_drops;
    ++core_.counters.segments_received;
    dpdk::free_frame(std::exchange(arrival.frame, nullptr));
    return true;
  }
  if (core_.pressed()) {
    ++core_.counters.connections_refused_memory;
    return false;
  }
  const int32_t position = insert(arrival.tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) {
    ++core_.counters.connections_refused_full;
    return false;
  }
  opened_in_burst_.set(hash % opened_in_burst_.size());
  const auto index = static_cast<uint32_t>(position);
  paths_[index] = {arrival.tuple, hash, arrival.from, attachment};
  tcp::Connection& connection = core_.connection(index);
  connection.open_passive(*agreement, core_);
  limit_path(index);
  connection.on_segment(arrival.seg, take_text(arrival), core_);
  return true;
}

}  // namespace tern::stack
