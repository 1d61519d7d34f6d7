// SPDX-License-Identifier: BSD-3-Clause
// Segments that no connection knows: SYNs, the third segments of handshakes, what belongs to a TIME-WAIT, and
// what is answered by RST. RFC 9293 sections 3.10.7.1 and 3.10.7.2.
#include <array>
#include <utility>

#include "stack/worker.hpp"
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
    queries[i] = arrival.seg.has(tcp::kSyn) ? cookies_.query_for_syn(arrival.tuple)
                                            : cookies_.query_for_ack(arrival.tuple, arrival.seg.ack);
  }
  cookies_.seal(std::span(queries).first(count), std::span(seals).first(count));

  opened_in_burst_ = false;
  for (size_t i = 0; i < count; ++i) {
    Arrival& arrival = arrivals[strangers[i]];
    const uint32_t hash = hashes[strangers[i]];
    if (opened_in_burst_) {  // perhaps what this segment belongs to
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
  const bool may_open = listener != nullptr && seg.has(tcp::kAck);
  if (may_open && open_passive(attachment, arrival, hash, *listener, seal)) return;
  ++core_.counters.segments_received;  // of one that opens, the connection does it
  if (seg.has(tcp::kRst)) ++core_.counters.resets_received;
  if (listener == nullptr) {
    ++core_.counters.listen_unserved;
    reset_stranger(attachment, arrival);
  } else if (seg.has(tcp::kAck)) {
    if (!listener->overtook_third(seg, seal, cookies_, core_.counters)) reset_stranger(attachment, arrival);
  } else if (seg.has(tcp::kSyn)) {
    const auto answer = listener->answer_syn(seg, seal, cookies_, core_.ts_now, core_.counters);
    if (!answer) return;
    egress_.reply(std::exchange(arrival.frame, nullptr), *answer,
                  {arrival.tuple, hash, arrival.from, attachment});
  }
}

// A segment of a connection in TIME-WAIT: the connection is made anew for as long as it takes to meet the
// segment and to answer. False when a new SYN has ended it, which is then a stranger's.
bool Worker::on_time_wait(Arrival& arrival, TimeWaits::Entry& entry) {
  const uint32_t index = options_.max_connections;
  tcp::Connection& connection = core_.connection(index);
  net::Counter& gauge = core_.connections_in[static_cast<size_t>(tcp::State::kTimeWait)];
  --gauge;
  entry.record.expand(connection, core_);
  const tcp::Verdict verdict = connection.on_segment(arrival.seg, {}, core_);
  connection.emit(core_);
  for (const tcp::Departure& departure : core_.outbox.departures()) egress_.depart(departure, entry.path);
  core_.outbox.clear();
  const bool stays = connection.tcb.state == tcp::State::kTimeWait && verdict != tcp::Verdict::kReopen;
  if (stays) {
    entry.record = tcp::TimeWait::compact(connection);
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
  if (core_.pressed()) {
    ++core_.counters.connections_refused_memory;
    return false;
  }
  const int32_t position = table_.insert(arrival.tuple, hash);
  if (position == dpdk::FlowTable::kAbsent) {
    ++core_.counters.connections_refused_full;
    return false;
  }
  opened_in_burst_ = true;
  const auto index = static_cast<uint32_t>(position);
  paths_[index] = {arrival.tuple, hash, arrival.from, attachment};
  tcp::Connection& connection = core_.connection(index);
  connection.open_passive(*agreement, core_);
  connection.on_segment(arrival.seg, take_text(arrival), core_);
  return true;
}

}  // namespace tern::stack
