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

class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}
  uint64_t up_to(uint64_t n) { return random_() % (n + 1); }
  bool one_in(uint64_t n) { return random_() % n == 0; }
  template <typename T, size_t N>
  T one_of(const T (&choices)[N]) {
    return choices[random_() % N];
  }

 private:
  std::mt19937_64 random_;
};

EndPlan end_plan(Dice& dice) {
  EndPlan plan;
  Config& config = plan.config;
  config.mss = dice.one_of<uint16_t>({48, 100, 536, 1000, 1400, 1460, 1460, 8960});
  config.window_scale = dice.one_of<uint8_t>({0, 2, 7, 7, 14});
  config.timestamps = !dice.one_in(3);
  config.sack = !dice.one_in(3);
  config.ecn = dice.one_in(4) ? Ecn::kOff : dice.one_in(4) ? Ecn::kAccept : Ecn::kOn;
  config.congestion = dice.one_in(3) ? Congestion::kNewReno : Congestion::kCubic;
  config.nagle = !dice.one_in(3);
  config.receive_buffer = dice.one_of<uint32_t>({1, 90, 1000, 5000, 20'000, 65'535, 262'144});
  config.receive_buffer_initial = dice.one_of<uint32_t>({1, 500, 3000, 65'536, kNoLimit});
  config.quick_ack_segments = dice.one_of<uint8_t>({0, 2, 16});
  config.cookies = dice.one_of<Cookies>({Cookies::kAlways, Cookies::kWhenFull, Cookies::kNever});
  if (dice.one_in(3)) config.max_connections = 0;  // so that it takes an accept call
  plan.accept_after = dice.one_of<net::Duration>({0ms, 5ms, 500ms});
  config.send_buffer = dice.one_of<uint32_t>({1, 3000, 20'000, 262'144});
  config.ack_every_segments = dice.one_of<uint8_t>({1, 2, 8, 255});
  config.initial_window_segments = dice.one_of<uint16_t>({1, 2, 10});
  CoreLimits& limits = plan.limits;  // of one connection
  limits.reassemblies = limits.recoveries = limits.congestions = limits.extras = limits.bbrs = 4;
  if (dice.one_in(8)) plan.limits.recoveries = 0;
  plan.limits.outbox = dice.one_of<uint32_t>({1, 3, 16, 256});
  plan.largest_write = dice.one_of<uint32_t>({1, 20, 500, 2000, 10'000});
  // Small segments and small windows make many events of few bytes.
  const uint64_t unit = std::min<uint64_t>(
      {config.mss, config.receive_buffer, config.receive_buffer_initial, plan.largest_write * 20u});
  plan.bytes = 1 + static_cast<uint32_t>(dice.up_to(std::min<uint64_t>(60 * unit, 60'000)));
  if (dice.one_in(4)) plan.bytes = 1 + static_cast<uint32_t>(dice.up_to(20));
  if (dice.one_in(3)) plan.read_pause = dice.one_of<net::Duration>({1ms, 30ms, 300ms});
  if (plan.read_pause.count() != 0) plan.packets_per_read = dice.one_of<uint32_t>({1, 3, 20});
  return plan;
}

Faults faults(Dice& dice) {
  Faults f;
  f.delay = dice.one_of<net::Duration>({10us, 1ms, 10ms, 100ms});
  f.poll = dice.one_of<net::Duration>({1us, 100us, 2ms});
  if (dice.one_in(5)) return f;
  if (dice.one_in(2)) f.loss = static_cast<double>(dice.up_to(15)) / 100;
  if (dice.one_in(3)) f.duplication = static_cast<double>(dice.up_to(20)) / 100;
  if (dice.one_in(3)) f.corruption = static_cast<double>(dice.up_to(5)) / 100;
  if (dice.one_in(3)) f.reordering = static_cast<double>(dice.up_to(30)) / 100;
  if (dice.one_in(2)) f.jitter = f.delay * static_cast<int64_t>(dice.up_to(3));
  if (dice.one_in(4)) f.bytes_per_second = 20'000 + dice.up_to(2'000'000);
  if (dice.one_in(2)) f.mark_bytes = dice.one_of<uint32_t>({500, 3000, 10'000});
  if (dice.one_in(2)) f.marking = static_cast<double>(dice.up_to(20)) / 100;
  return f;
}

void plan_endings(Dice& dice, Scenario& s) {
  if (dice.one_in(2)) (dice.one_in(2) ? s.active : s.passive).ending = Ending::kWaitForPeer;
  if (!dice.one_in(4)) return;
  EndPlan& rude = dice.one_in(2) ? s.active : s.passive;
  rude.ending = dice.one_in(2) ? Ending::kAbort : Ending::kCloseEarly;
  rude.ending_at = static_cast<uint32_t>(dice.up_to(s.active.bytes + s.passive.bytes));
}

// Rare features, which must harm nobody, and a path that narrows under way.
void plan_rarities(Dice& dice, Scenario& s) {
  for (EndPlan* plan : {&s.active, &s.passive}) {
    Config& config = plan->config;
    config.user_timeout_option = dice.one_in(3);
    if (dice.one_in(2)) config.user_timeout = 30min;
    if (dice.one_in(4)) config.keep_alive = {true, 5s, 1s, 127};
    config.pacing = dice.one_in(5);
    config.window_validation = dice.one_in(4);
    if (dice.one_in(4)) config.mtu_probing = MtuProbing::kAlways;
    if (dice.one_in(5)) {
      config.congestion = Congestion::kBbr;
      config.ecn = Ecn::kOff;  // as a service that uses BBR has it
    }
  }
  if (!dice.one_in(4)) return;
  for (Faults* f : {&s.to_passive, &s.to_active}) {
    f->says_so = dice.one_in(2);
    f->narrow = f->says_so ? dice.one_of<uint16_t>({556, 1044, 1300}) : dice.one_of<uint16_t>({1064, 1300});
    f->narrow_after = dice.one_of<net::Duration>({0ms, 50ms, 500ms});
  }
  for (EndPlan* plan : {&s.active, &s.passive}) {  // with segments that it is too narrow for
    plan->config.mss = dice.one_of<uint16_t>({1400, 1460, 8960});
    plan->config.receive_buffer = plan->config.receive_buffer_initial = plan->config.send_buffer = 60'000;
    plan->largest_write = 10'000;
    plan->bytes = 1 + static_cast<uint32_t>(dice.up_to(60'000));
  }
}

bool polite(const EndPlan& plan) {
  return plan.ending == Ending::kShutdown || plan.ending == Ending::kWaitForPeer;
}

}  // namespace

Scenario scenario(uint64_t seed) {
  Dice dice(seed * 2 + 1);
  Scenario s;
  s.active = end_plan(dice);
  s.passive = end_plan(dice);
  s.to_passive = faults(dice);
  s.to_active = dice.one_in(2) ? faults(dice) : s.to_passive;
  plan_rarities(dice, s);
  plan_endings(dice, s);
  // Clocks near where a timestamp wraps, or far from it; the epoch of cookies follows.
  const net::Instant start{dice.one_in(2) ? 0 : ((int64_t{1} << 32) - 2000) * 1'000'000};
  s.active.start = s.passive.start = start;
  if (dice.one_in(3)) {
    s.active.config.fast_open_connect = s.passive.config.fast_open_listen = FastOpen::kOn;
    s.cookie = dice.one_of<Scenario::Cookie>({Scenario::Cookie::kNone, Scenario::Cookie::kValid,
                                              Scenario::Cookie::kValid, Scenario::Cookie::kValid,
                                              Scenario::Cookie::kForged});
    if (dice.one_in(8)) s.active.config.fast_open_connect = FastOpen::kWithoutCookies;
  }
  return s;
}

std::string to_string(const Scenario& s) {
  std::string text;
  for (const auto& [name, plan] : {std::pair{"active", &s.active}, {"passive", &s.passive}}) {
    const Config& c = plan->config;
    text += std::string("  ") + name + ": mss " + std::to_string(c.mss) + " scale " +
            std::to_string(c.window_scale) + (c.timestamps ? " timestamps" : "") + (c.sack ? " sack" : "") +
            " ecn " + std::to_string(static_cast<int>(c.ecn)) + (c.nagle ? " nagle" : "") + " " +
            name_of(c.congestion) + " receive " + std::to_string(c.receive_buffer_initial) + " to " +
            std::to_string(c.receive_buffer) + " send " + std::to_string(c.send_buffer) + " acks " +
            std::to_string(c.ack_every_segments) + " outbox " + std::to_string(plan->limits.outbox) +
            " bytes " + std::to_string(plan->bytes) + " writes " + std::to_string(plan->largest_write) +
            " pause us " + std::to_string(plan->read_pause.count() / 1000) + " packets " +
            std::to_string(plan->packets_per_read) + " ending " +
            std::to_string(static_cast<int>(plan->ending)) + " at " + std::to_string(plan->ending_at) +
            " user timeout s " + std::to_string(c.user_timeout / 1s) +
            (c.user_timeout_option ? " told" : "") + (c.keep_alive.on ? " keep-alive" : "") +
            (c.pacing ? " paced" : "") + " probing " + std::to_string(static_cast<int>(c.mtu_probing)) + "\n";
  }
  for (const auto& [name, f] : {std::pair{"to passive", &s.to_passive}, {"to active", &s.to_active}}) {
    text += std::string("  ") + name + ": loss " + std::to_string(f->loss) + " twice " +
            std::to_string(f->duplication) + " corrupt " + std::to_string(f->corruption) + " reorder " +
            std::to_string(f->reordering) + " delay us " + std::to_string(f->delay.count() / 1000) +
            " jitter us " + std::to_string(f->jitter.count() / 1000) + " poll us " +
            std::to_string(f->poll.count() / 1000) + " rate " + std::to_string(f->bytes_per_second) +
            " mark " + std::to_string(f->mark_bytes) + " " + std::to_string(f->marking) + " narrow " +
            std::to_string(f->narrow) + (f->says_so ? " says so" : "") + " after us " +
            std::to_string(f->narrow_after.count() / 1000) + "\n";
  }
  if (s.active.config.fast_open_connect != FastOpen::kOff) {
    text += "  Fast Open, cookie " + std::to_string(static_cast<int>(s.cookie)) +
            (s.active.config.fast_open_connect == FastOpen::kWithoutCookies ? ", not shown" : "") + "\n";
  }
  return text;
}

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
  if (!result.complete || !result.opened) return "";
  if (active.written() != s.active.bytes || passive.written() != s.passive.bytes) {
    return "all is written: " + std::to_string(active.written()) + " and " +
           std::to_string(passive.written()) + ", reasons " +
           std::to_string(static_cast<int>(active.reason())) + " and " +
           std::to_string(static_cast<int>(passive.reason()));
  }
  if (active.read() != passive.written() || passive.read() != active.written())
    return "bytes out equal bytes in";
  if (!active.reached_end() || !passive.reached_end()) return "both see the end";
  if (active.reason() != CloseReason::kFinished || passive.reason() != CloseReason::kFinished) {
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
  result.complete = polite(s.active) && polite(s.passive);
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
    }
    result.fault = judge(s, active, passive, result, to_passive.corrupted() + to_active.corrupted());
    if (result.events == kMostEvents)
      result.fault = "it ends within " + std::to_string(kMostEvents) + " events";
  }
  if (result.fault.empty() && live_packets() != live_before) result.fault = "no buffer leaks";
  return result;
}

}  // namespace tern::test
