// SPDX-License-Identifier: BSD-3-Clause
// Several flows through one bottleneck in virtual time.
#include "support/bottleneck.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "support/heap_packet.hpp"
#include "tcp/header.hpp"

namespace tern::test {

using namespace tcp;

namespace {
constexpr uint32_t kIpHeader = 20;
constexpr uint32_t kWrite = 32'000;     // bytes
constexpr uint32_t kLargest = 8 << 20;  // of buffers, bytes

CoreLimits limits() {
  CoreLimits l;
  l.bbrs = 1;
  return l;
}

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
Duration from_seconds(double s) { return Duration(static_cast<int64_t>(s * 1e9)); }
}  // namespace

Flow bulk(Congestion congestion, Duration rtt, Duration start) {
  Flow flow;
  flow.config.congestion = congestion;
  flow.config.window_scale = 14;
  flow.config.receive_buffer = flow.config.receive_buffer_initial = flow.config.send_buffer = kLargest;
  flow.rtt = rtt;
  flow.start = start;
  return flow;
}

Bottleneck::End::End(const Config& c)
    : config(c), connections(1), core(connections, std::span(&config, 1), limits(), net::Instant{}) {}

Bottleneck::Bottleneck(const Link& link, const std::vector<Flow>& flows, Duration sample_every)
    : link_(link), sample_every_(sample_every), random_(link.seed), text_(kWrite) {
  for (const Flow& flow : flows) flows_.push_back(std::make_unique<Running>(flow));
}

Bottleneck::~Bottleneck() {
  for (const auto& flow : flows_) {
    for (End* end : {&flow->sender, &flow->receiver}) {
      if (flow->open) end->connections[0].release(end->core);
      end->core.released.clear();
    }
  }
}

// Both ends as a handshake by cookie leaves them: nothing is known of the round-trip time yet.
void Bottleneck::open(Running& flow) {
  flow.open = true;
  const auto iss = static_cast<uint32_t>(random_()), irs = static_cast<uint32_t>(random_());
  flow.first = Seq{iss} + 1;
  for (End* end : {&flow.sender, &flow.receiver}) {
    const bool sending = end == &flow.sender;
    Agreement agreement;
    agreement.iss = Seq{sending ? iss : irs};
    agreement.irs = Seq{sending ? irs : iss};
    agreement.peer_mss = end->config.mss;
    agreement.peer_window_scale = end->config.window_scale;
    agreement.timestamps = end->config.timestamps;
    agreement.sack = end->config.sack;
    agreement.ecn = end->config.ecn == Ecn::kOn;
    end->core.set_now(now_);
    end->connections[0].open_passive(agreement, end->core);
    Segment third;
    third.seq = agreement.irs + 1;
    third.ack = agreement.iss + 1;
    third.flags = kAck;
    third.wnd = static_cast<uint16_t>(end->config.receive_buffer >> end->config.window_scale);
    third.has_timestamps = end->config.timestamps;
    third.ts_ecr = end->core.ts_now;
    end->connections[0].on_segment(third, net::Packet{}, end->core);
  }
  poll(flow, true);
  poll(flow, false);
}

void Bottleneck::run_until(Duration t) {
  const net::Instant end = net::Instant{} + t;
  for (;;) {
    net::Instant next = std::min(next_sample_, under_way_.empty() ? end : under_way_.begin()->first);
    for (const auto& flow : flows_) {
      if (!flow->open) {
        next = std::min(next, net::Instant{} + flow->flow.start);
      } else {
        next =
            std::min({next, flow->sender.core.wheel.next_expiry(), flow->receiver.core.wheel.next_expiry()});
      }
    }
    if (next > end) break;
    now_ = std::max(now_, next);
    if (now_ >= next_sample_) {
      sample();
      next_sample_ += sample_every_;
    }
    while (!under_way_.empty() && under_way_.begin()->first <= now_) {
      const Arrival arrival = under_way_.begin()->second;
      under_way_.erase(under_way_.begin());
      arrive(arrival);
    }
    for (const auto& flow : flows_) {
      if (!flow->open) {
        if (net::Instant{} + flow->flow.start <= now_) open(*flow);
        continue;
      }
      if (flow->sender.core.wheel.next_expiry() <= now_) poll(*flow, false);
      if (flow->receiver.core.wheel.next_expiry() <= now_) poll(*flow, true);
    }
    if (next >= end) break;
  }
  now_ = std::max(now_, end);
}

void Bottleneck::arrive(const Arrival& arrival) {
  Running& flow = *arrival.flow;
  End& end = arrival.at_receiver ? flow.receiver : flow.sender;
  end.core.set_now(now_);
  net::Packet text;
  if (arrival.segment.length != 0) text = make_packet(std::span(text_).first(arrival.segment.length));
  const Tcb& tcb = end.connections[0].tcb;
  const uint32_t cwnd = tcb.cwnd, ssthresh = tcb.ssthresh;
  const Seq una = tcb.snd.una;
  end.connections[0].on_segment(arrival.segment, std::move(text), end.core);
  if (!arrival.at_receiver) {
    flow.acknowledged += tcb.snd.una - una;
    watch(flow, cwnd, ssthresh);
  }
  poll(flow, arrival.at_receiver);
}

// A round of one end, as a worker makes it.
void Bottleneck::poll(Running& flow, bool receiver) {
  End& end = receiver ? flow.receiver : flow.sender;
  Connection& connection = end.connections[0];
  end.core.set_now(now_);
  const uint32_t cwnd = connection.tcb.cwnd, ssthresh = connection.tcb.ssthresh;
  for (uint32_t n = end.core.wheel.expire(now_); n != TimerWheel::kNone; n = end.core.wheel.expire(now_)) {
    connection.on_timeout(end.core);
  }
  if (!receiver) watch(flow, cwnd, ssthresh);
  for (bool again = true; again;) {
    connection.tcb.marks = static_cast<uint16_t>(connection.tcb.marks & ~kServiceMarks);
    if (receiver) {
      while (connection.receive(end.core)) {
      }
    } else {
      serve_sender(flow);
    }
    again = !end.core.ready.empty();
    for (const uint32_t index : std::exchange(end.core.ready, {})) end.connections[index].emit(end.core);
    for (const Departure& departure : end.core.outbox.departures()) transmit(flow, receiver, departure);
    end.core.outbox.clear();
  }
  end.core.released.clear();
  if (connection.tcb.state != State::kEstablished) throw std::logic_error("a flow has ended");
}

void Bottleneck::serve_sender(Running& flow) {
  Connection& connection = flow.sender.connections[0];
  if (now_ - net::Instant{} >= flow.flow.stop) return;
  // As much as may leave soon, so that the queue stays short.
  while (connection.unsent_bytes() < kWrite && connection.send_room(flow.sender.core) != 0) {
    net::Packet packet = make_packet(text_);
    if (!connection.send(packet, flow.sender.core)) return;
  }
}

void Bottleneck::transmit(Running& flow, bool receiver, const Departure& departure) {
  End& end = receiver ? flow.receiver : flow.sender;
  std::array<uint8_t, kMinHeaderBytes + kMaxOptionBytes> bytes;
  write_header(departure.header, {1, 2}, bytes.data());
  Arrival arrival{&flow, !receiver, {}};
  uint32_t offset = 0;
  parse_segment(std::span(bytes).first(departure.header.length()), arrival.segment, offset);
  arrival.segment.length = departure.text_length;
  arrival.segment.ecn = departure.ecn;
  const Duration late{std::uniform_int_distribution<int64_t>(0, link_.jitter.count())(random_)};
  end.left = std::max(end.left, now_ + late);
  net::Instant at = end.left;
  if (!receiver) {
    const uint32_t size = kIpHeader + departure.header.length() + departure.text_length;
    free_at_ = std::max(free_at_, at);
    const double waiting = seconds(free_at_ - at) * link_.bits_per_second / 8;
    const bool lost = link_.loss != 0 && std::uniform_real_distribution<>()(random_) < link_.loss;
    const bool marked = link_.mark_bytes != 0 && waiting > link_.mark_bytes;
    if (marked && departure.ecn != EcnField::kNotCapable) arrival.segment.ecn = EcnField::kCongested;
    if (waiting + size > link_.queue_bytes || lost) {
      ++flow.dropped;
      return;
    }
    free_at_ += from_seconds(size * 8 / link_.bits_per_second);
    at = free_at_;
  }
  under_way_.emplace(at + flow.flow.rtt / 2, arrival);
}

void Bottleneck::watch(Running& flow, uint32_t cwnd, uint32_t ssthresh) {
  const Tcb& tcb = flow.sender.connections[0].tcb;
  const Counters& counters = flow.sender.core.counters;
  const uint64_t timeouts = counters.retransmission_timeouts.value();
  const uint64_t episodes = counters.fast_retransmits.value() + timeouts;
  const bool timeout = timeouts != std::exchange(flow.timeouts, timeouts);
  if (episodes == std::exchange(flow.episodes, episodes) && tcb.ssthresh == ssthresh) return;
  flow.reductions.push_back({now(), cwnd, tcb.ssthresh, timeout});
}

uint32_t Bottleneck::queued() const {
  return free_at_ <= now_ ? 0 : static_cast<uint32_t>(seconds(free_at_ - now_) * link_.bits_per_second / 8);
}

void Bottleneck::sample() {
  for (const auto& flow : flows_) {
    const Connection& connection = flow->sender.connections[0];
    Sample s;
    s.at = now();
    s.cwnd = connection.tcb.cwnd;
    s.ssthresh = connection.tcb.ssthresh;
    s.flight = connection.flight();
    s.delivered = flow->acknowledged;
    s.dropped = flow->dropped;
    s.queue = queued();
    s.recovering = (connection.tcb.hold & (kHoldFastRecovery | kHoldLossRecovery)) != 0;
    flow->samples.push_back(s);
  }
}

// The last one at or before t.
const Sample& Bottleneck::sample_at(size_t flow, Duration t) const {
  const auto& all = flows_[flow]->samples;
  const auto after =
      std::upper_bound(all.begin(), all.end(), t, [](Duration a, const Sample& s) { return a < s.at; });
  return after == all.begin() ? all.front() : *(after - 1);
}

double Bottleneck::goodput(size_t flow, Duration from, Duration to) const {
  const Sample &a = sample_at(flow, from), &b = sample_at(flow, to);
  return static_cast<double>(b.delivered - a.delivered) * 8 / seconds(b.at - a.at);
}

double Bottleneck::utilization(Duration from, Duration to) const {
  double sum = 0;
  for (size_t i = 0; i < flows_.size(); ++i) sum += goodput(i, from, to);
  return sum / link_.bits_per_second;
}

double Bottleneck::mean_queue(Duration from, Duration to) const {
  double sum = 0, count = 0;
  for (const Sample& s : samples(0)) {
    if (s.at < from || s.at >= to) continue;
    sum += s.queue;
    ++count;
  }
  return sum / std::max(count, 1.0);
}

uint32_t Bottleneck::largest_queue(Duration from, Duration to) const {
  uint32_t largest = 0;
  for (const Sample& s : samples(0)) {
    if (s.at >= from && s.at < to) largest = std::max(largest, s.queue);
  }
  return largest;
}

double Bottleneck::fairness(Duration from, Duration to) const {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < flows_.size(); ++i) {
    const double x = goodput(i, from, to);
    sum += x;
    squares += x * x;
  }
  return sum * sum / (static_cast<double>(flows_.size()) * squares);
}

}  // namespace tern::test
