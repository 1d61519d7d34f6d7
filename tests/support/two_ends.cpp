// SPDX-License-Identifier: BSD-3-Clause
// Two ends of a connection joined by a bad network in virtual time.
#include "support/two_ends.hpp"

#include <algorithm>
#include <array>

#include "support/heap_packet.hpp"

namespace tern::test {

using namespace tcp;
using namespace std::chrono_literals;

namespace {

// What must hold when both are gone.
std::string judge(const Scenario& s, const Endpoint& active, const Endpoint& passive, const Result& result,
                  uint64_t corrupted) {
  if (!active.fault.empty()) return active.fault;
  if (!passive.fault.empty()) return passive.fault;
  for (const Endpoint* end : {&active, &passive}) {
    if (!end->gone() && (end->opened() || end == &active)) {
      return std::string("it ends, but the ") + (end == &active ? "active" : "passive") + " end is in " +
             state_name(end->tcb().state) + " with marks " + std::to_string(end->tcb().marks);
    }
    if (end->core().tuned_bytes != 0) return "no receive buffer is grown at the end";
    if (end->core().held_packets != 0) return "held_packets is 0 at the end";
    if (end->core().reassemblies.in_use() != 0) return "no reassembly queue is in use at the end";
    if (end->core().recoveries.in_use() != 0) return "no scoreboard is in use at the end";
    if (end->core().congestions.in_use() != 0) return "nobody remembers a loss at the end";
    if (end->core().bbrs.in_use() != 0 || end->core().hystarts.in_use() != 0)
      return "no path is modelled at the end";
    if (end->core().fast_opens[0].open() != 0) return "no Fast Open request is pending at the end";
    if (end->core().extras.in_use() != 0) return "nobody has options of its own at the end";
    if (!idle(end->core().backlogs[0])) return "nobody is queued or served at the end";
    if (end->core().orphans.value() != 0) return "nobody is an orphan at the end";
    if (end->core().wheel.armed_count() != 0) return "no timer is armed at the end";
    for (const auto& gauge : end->core().connections_in) {
      if (gauge.value() != 0) return "no connection is in any state at the end";
    }
  }
  if (active.checksum_failures() + passive.checksum_failures() != corrupted) {
    return "every corruption is caught by the checksum, and nothing else";
  }
  if (active.read() > passive.written() || passive.read() > active.written())
    return "no byte comes from nowhere";
  const bool exchanged = active.read() == passive.written() && passive.read() == active.written();
  // A service that breaks off reads no more.
  const bool both_read = polite(s.active) && polite(s.passive);
  if (result.in_order && both_read && !exchanged) return "who ends in order has all that the other wrote";
  if (!result.complete || !result.opened) return "";
  if (active.written() != s.active.bytes || passive.written() != s.passive.bytes) {
    return "all is written: " + std::to_string(active.written()) + " and " +
           std::to_string(passive.written()) + ", reasons " +
           std::to_string(static_cast<int>(active.reason())) + " and " +
           std::to_string(static_cast<int>(passive.reason()));
  }
  if (!exchanged) return "bytes out equal bytes in";
  if (!active.reached_end() || !passive.reached_end()) return "both see the end";
  // Where the acknowledgment of the very last is lost for as long as TIME-WAIT lasts, a RST answers.
  const auto outlived = [](const Endpoint& one, const Endpoint& other) {
    return one.reason() == CloseReason::kFinished && other.reason() == CloseReason::kResetByPeer;
  };
  if (!result.in_order && !outlived(active, passive) && !outlived(passive, active)) {
    return "both finish in order: reasons " + std::to_string(static_cast<int>(active.reason())) + " and " +
           std::to_string(static_cast<int>(passive.reason()));
  }
  return "";
}

}  // namespace

Result run(const Scenario& s, uint64_t seed, uint64_t* woken) {
  constexpr uint64_t kMostEvents = 3'000'000;
  constexpr net::Duration kPatience = 1h;  // without any event; a rude end may leave the other waiting
  const uint32_t live_before = live_packets();
  Result result;
  result.complete = completes(s);
  {
    VirtualLink to_passive(s.to_passive, seed);
    VirtualLink to_active(s.to_active, seed + 1);
    const net::FourTuple tuple{{0x0a000001}, {0x0a000002}, 40'000, 80};
    Endpoint active(true, s.active, tuple, to_passive, seed + 2);
    Endpoint passive(false, s.passive, {tuple.remote, tuple.local, 80, 40'000}, to_active, seed + 3);
    net::Instant now = s.active.start;
    if (s.cookie != Scenario::Cookie::kNone) {
      FastOpenOption cookie = passive.cookie();
      if (s.cookie == Scenario::Cookie::kForged) cookie.cookie[0] ^= 1;
      active.remember(cookie);
    }
    active.open(now);
    for (; result.events < kMostEvents; ++result.events) {
      net::Instant next = std::min({to_passive.next(), to_active.next(), active.next(), passive.next()});
      if (next.is_never() || next - now > kPatience) {
        const bool over = active.gone() && (passive.gone() || !passive.opened());
        if (over && next.is_never()) break;
        active.give_up(now += kPatience);
        passive.give_up(now);
        next = now;
      }
      now = std::max(now, next);
      active.poll(to_active, now);
      passive.poll(to_passive, now);
      if (!active.fault.empty() || !passive.fault.empty()) break;
    }
    result.opened = passive.opened() && active.opened();  // by Fast Open one may be alone
    result.fast_opens = passive.core().counters.fast_opens.value();
    result.queued = passive.core().counters.syns_queued.value() != 0;
    result.waited = result.opened && s.passive.config.max_connections == 0;
    result.in_order = active.reason() == CloseReason::kFinished && passive.reason() == CloseReason::kFinished;
    result.bytes = active.read() + passive.read();
    for (const Endpoint* end : {&active, &passive}) {
      result.retransmissions += end->core().counters.retransmissions.value();
      result.expected += end->core().counters.segments_expected.value();
      result.congestion_marks += end->core().counters.congestion_marks.value();
      result.congestion_echoes += end->core().counters.congestion_echoes.value();
      if (woken != nullptr) *woken += end->core().counters.connections_woken.value();
      result.paths_narrowed += end->core().counters.path_mtu_lowered.value();
      result.mtu_probes += end->core().counters.mtu_probes.value();
      result.losses_undone += end->core().counters.losses_undone.value();
      result.options_chosen += end->options_chosen();
    }
    result.fault = judge(s, active, passive, result, to_passive.corrupted() + to_active.corrupted());
    if (result.events == kMostEvents)
      result.fault = "it ends within " + std::to_string(kMostEvents) + " events";
  }
  if (result.fault.empty() && live_packets() != live_before) result.fault = "no buffer leaks";
  return result;
}

}  // namespace tern::test
