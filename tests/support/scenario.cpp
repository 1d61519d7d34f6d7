// SPDX-License-Identifier: BSD-3-Clause
// What two ends of a connection are to do, and what the network does to them.
#include "support/scenario.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <sstream>
#include <vector>

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
  config.window_scale = dice.one_of<uint8_t>({0, 2, 7, 7, 14, kNoWindowScale});
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
  if (dice.one_in(4)) {  // what is no news of a connection that stands
    f.telling = 0.5;
    f.tells = dice.one_of<net::IcmpError>(
        {net::IcmpError::kNetUnreachable, net::IcmpError::kHostUnreachable, net::IcmpError::kTimeExceeded});
  }
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
  rude.ending = dice.one_of<Ending>({Ending::kCloseEarly, Ending::kCloseEarly, Ending::kAbort, Ending::kAbort,
                                     Ending::kWithdraw, Ending::kFail});
  rude.ending_at = static_cast<uint32_t>(dice.up_to(s.active.bytes + s.passive.bytes));
}

// What a service may choose for its connection under way.
Choice choice(Dice& dice, const EndPlan& plan) {
  struct Range {
    Option option;
    std::vector<int64_t> values;
  };
  const Range ranges[] = {
      {Option::kNoDelay, {0, 1}},
      {Option::kCork, {0, 0, 1}},
      {Option::kKeepAlive, {0, 1}},
      {Option::kKeepAliveIdle, {1, 60}},
      {Option::kKeepAliveInterval, {1, 75}},
      {Option::kKeepAliveCount, {100, 255}},
      {Option::kUserTimeout, {0, 1'800'000}},
      {Option::kUserTimeoutOption, {0, 1}},
      {Option::kRetransmitLimit, {16, 255}},
      {Option::kSynRetries, {8, 255}},
      {Option::kCongestion, {0, 1}},
      {Option::kTimeToLive, {1, 255}},
      {Option::kDscp, {0, 63}},
      {Option::kReceiveBuffer, {1000, 20'000, 262'144}},
      {Option::kLinger, {-1}},
      {Option::kSendBuffer, {1, 3000, 262'144}},
      {Option::kAccountLimits, {0, 1}},
  };
  const Range& range = ranges[dice.up_to(std::size(ranges) - 1)];
  return {static_cast<uint32_t>(dice.up_to(2 * plan.bytes)), range.option,
          range.values[dice.up_to(range.values.size() - 1)]};
}

// Rare features, which must harm nobody.
void plan_rarities(Dice& dice, EndPlan& plan) {
  Config& config = plan.config;
  config.user_timeout_option = dice.one_in(3);
  if (dice.one_in(2)) config.user_timeout = 30min;
  config.user_timeout_least = dice.one_of<net::Duration>({1s, 100s});
  if (dice.one_in(3)) config.user_timeout_most = 10min;
  if (dice.one_in(4)) config.keep_alive = {true, 5s, 1s, 127};
  config.pacing = dice.one_in(5);
  config.window_validation = dice.one_in(4);
  config.restart_after_idle = !dice.one_in(4);
  if (dice.one_in(4)) config.mtu_probing = MtuProbing::kAlways;
  config.base_mss = dice.one_of<uint16_t>({256, 1024, 1024});
  config.mss_floor = dice.one_of<uint16_t>({28, 256, 512, 512});
  config.ecn_syn_retries = dice.one_of<uint8_t>({0, 0, 1, 3});
  if (dice.one_in(5)) {
    config.congestion = Congestion::kBbr;
    config.ecn = Ecn::kOff;  // as a service that uses BBR has it
  }
  config.cork = dice.one_in(8);
  config.account_limits = dice.one_in(4);
  config.delayed_ack = dice.one_of<net::Duration>({0ms, 1ms, 40ms, 40ms, 40ms, 498ms});
  if (dice.one_in(4)) config.rto_initial = dice.one_of<net::Duration>({100ms, 200ms, 3s});
  if (dice.one_in(4)) config.rto_min = dice.one_of<net::Duration>({1ms, 30ms, 100ms});
  if (dice.one_in(4)) config.rto_max = dice.one_of<net::Duration>({3s, 10s, 120s});
  config.msl = dice.one_of<net::Duration>({30s, 30s, 120s});
  config.fin_wait_2 = dice.one_of<net::Duration>({1s, 60s});
  config.fast_open_pending = dice.one_in(20) ? 0 : 1;
  config.marking = {static_cast<uint8_t>(1 + dice.up_to(254)), static_cast<uint8_t>(dice.up_to(63))};
  plan.says_more = dice.one_in(8);
  plan.skips = dice.one_in(4);
  if (dice.one_in(8)) plan.path_known = dice.one_of<uint16_t>({100, 536, 1400});
  for (uint64_t n = dice.one_in(4) ? 1 + dice.up_to(3) : 0; n != 0; --n) {
    plan.choices.push_back(choice(dice, plan));
  }
}

// A core that has no room left for something rare.
void plan_shortage(Dice& dice, CoreLimits& limits) {
  if (dice.one_in(8)) limits.recoveries = 0;
  if (dice.one_in(16)) limits.reassemblies = 0;
  if (dice.one_in(16)) limits.congestions = 0;
  if (dice.one_in(16)) limits.extras = 0;
  if (dice.one_in(16)) limits.hystarts = 0;
  if (dice.one_in(16)) limits.bbrs = 0;
  if (dice.one_in(16)) limits.fast_open_servers = 0;
  if (dice.one_in(16)) limits.tuned_bytes = dice.one_of<uint64_t>({0, 5000});
}

// A path that narrows under way, for segments that it is too narrow for. A way to find out is left to both.
void plan_narrow_path(Dice& dice, Scenario& s) {
  for (Faults* f : {&s.to_passive, &s.to_active}) {
    f->says_so = dice.one_in(2);
    f->narrow = f->says_so ? dice.one_of<uint16_t>({556, 1044, 1300}) : dice.one_of<uint16_t>({1064, 1300});
    f->narrow_after = dice.one_of<net::Duration>({0ms, 50ms, 500ms});
  }
  for (EndPlan* plan : {&s.active, &s.passive}) {
    plan->config.mss = dice.one_of<uint16_t>({1400, 1460, 8960});
    plan->config.receive_buffer = plan->config.receive_buffer_initial = plan->config.send_buffer = 60'000;
    plan->limits.extras = 4;
    plan->largest_write = 10'000;
    plan->bytes = 1 + static_cast<uint32_t>(dice.up_to(60'000));
  }
}

// A limit within which an end may give up, or breaks off by design.
void plan_impatience(Dice& dice, Scenario& s) {
  s.patient = false;
  EndPlan& plan = dice.one_in(2) ? s.active : s.passive;
  Config& config = plan.config;
  switch (dice.up_to(10)) {
    case 0:
      config.linger = dice.one_of<net::Duration>({0ms, 100ms, 5s});
      break;
    case 1:
      plan.choices.push_back({static_cast<uint32_t>(dice.up_to(plan.bytes)), Option::kLinger,
                              dice.one_of<int64_t>({0, 100, 5000})});
      break;
    case 2:
      config.retransmit_limit = dice.one_of<uint8_t>({1, 2, 5});
      break;
    case 3:
      config.syn_retries = config.syn_ack_retries = dice.one_of<uint8_t>({1, 2, 5});
      break;
    case 4:
      config.user_timeout = dice.one_of<net::Duration>({100ms, 5s});
      break;
    case 5:
      config.keep_alive = {true, 1s, 1s, 1};
      break;
    case 6:
      config.msl = 1s;
      break;
    case 7:
      plan.limits.orphans = 0;
      break;
    case 8:
      plan.limits.held_packets = dice.one_of<uint64_t>({8, 100});
      break;
    case 9:
      s.passive.config.max_connections = s.passive.config.accept_backlog = 0;
      s.passive.config.abort_on_overflow = dice.one_in(2);
      break;
    default:
      for (Faults* f : {&s.to_passive, &s.to_active}) {
        f->loss = std::max(f->loss, 0.05);
        f->telling = 0.5;
        f->tells = dice.one_of<net::IcmpError>(
            {net::IcmpError::kProtocolUnreachable, net::IcmpError::kPortUnreachable});
      }
      break;
  }
}

}  // namespace

Scenario scenario(uint64_t seed) {
  Dice dice(seed * 2 + 1);
  Scenario s;
  s.active = end_plan(dice);
  s.passive = end_plan(dice);
  s.to_passive = faults(dice);
  s.to_active = dice.one_in(2) ? faults(dice) : s.to_passive;
  for (EndPlan* plan : {&s.active, &s.passive}) {
    plan_rarities(dice, *plan);
    plan_shortage(dice, plan->limits);
  }
  if (dice.one_in(4)) {
    plan_narrow_path(dice, s);
  } else if (dice.one_in(4)) {
    s.active.config.mtu_probing = s.passive.config.mtu_probing = MtuProbing::kOff;
  }
  plan_endings(dice, s);
  if (dice.one_in(8)) plan_impatience(dice, s);
  // Clocks near where a timestamp wraps, or far from it; the epoch of cookies follows.
  const net::Instant start{dice.one_in(2) ? 0 : ((int64_t{1} << 32) - 2000) * 1'000'000};
  s.active.start = s.passive.start = start;
  if (dice.one_in(3)) {
    s.active.config.fast_open_connect = s.passive.config.fast_open_listen = FastOpen::kOn;
    s.cookie = dice.one_of<Scenario::Cookie>({Scenario::Cookie::kNone, Scenario::Cookie::kValid,
                                              Scenario::Cookie::kValid, Scenario::Cookie::kValid,
                                              Scenario::Cookie::kValid, Scenario::Cookie::kForged});
    if (dice.one_in(8)) s.active.config.fast_open_connect = FastOpen::kWithoutCookies;
  }
  return s;
}

bool polite(const EndPlan& plan) {
  return plan.ending == Ending::kShutdown || plan.ending == Ending::kWaitForPeer;
}

bool completes(const Scenario& s) { return s.patient && polite(s.active) && polite(s.passive); }

namespace {

double in_ms(net::Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

void tell(std::ostream& out, const Config& c) {
  out << " mss " << c.mss << " scale " << int{c.window_scale} << (c.timestamps ? " timestamps" : "")
      << (c.sack ? " sack" : "") << " ecn " << static_cast<int>(c.ecn) << (c.nagle ? " nagle" : "")
      << (c.cork ? " cork" : "") << " " << name_of(c.congestion) << (c.pacing ? " paced" : "") << " receive "
      << c.receive_buffer_initial << " to " << c.receive_buffer << " send " << c.send_buffer << " acks "
      << int{c.ack_every_segments} << " delayed ms " << in_ms(c.delayed_ack) << " quick "
      << int{c.quick_ack_segments} << " rto ms " << in_ms(c.rto_min) << " " << in_ms(c.rto_initial) << " "
      << in_ms(c.rto_max) << " limits " << int{c.retransmit_limit} << " " << int{c.syn_retries} << " "
      << int{c.syn_ack_retries} << " cookies " << static_cast<int>(c.cookies) << " connections "
      << c.max_connections << " linger ms " << in_ms(c.linger) << " user timeout ms " << in_ms(c.user_timeout)
      << (c.user_timeout_option ? " told" : "") << (c.keep_alive.on ? " keep-alive" : "") << " probing "
      << static_cast<int>(c.mtu_probing) << " from " << c.base_mss << (c.account_limits ? " accounts" : "");
}

void tell(std::ostream& out, const EndPlan& plan) {
  const CoreLimits& l = plan.limits;
  tell(out, plan.config);
  out << "; bytes " << plan.bytes << " writes " << plan.largest_write << (plan.says_more ? " more" : "")
      << " pause ms " << in_ms(plan.read_pause) << " packets " << plan.packets_per_read
      << (plan.skips ? " skips" : "") << " ending " << static_cast<int>(plan.ending) << " at "
      << plan.ending_at << " path " << plan.path_known << "; outbox " << l.outbox << " recoveries "
      << l.recoveries << " reassemblies " << l.reassemblies << " congestions " << l.congestions << " extras "
      << l.extras << " hystarts " << l.hystarts << " bbrs " << l.bbrs << " orphans " << l.orphans << " held "
      << l.held_packets << " tuned " << l.tuned_bytes;
  for (const Choice& choice : plan.choices) {
    out << "; at " << choice.at << " option " << static_cast<int>(choice.option) << " becomes "
        << choice.value;
  }
}

void tell(std::ostream& out, const Faults& f) {
  out << " loss " << f.loss << " twice " << f.duplication << " corrupt " << f.corruption << " reorder "
      << f.reordering << " delay ms " << in_ms(f.delay) << " jitter ms " << in_ms(f.jitter) << " poll ms "
      << in_ms(f.poll) << " rate " << f.bytes_per_second << " mark " << f.mark_bytes << " " << f.marking
      << " narrow " << f.narrow << (f.says_so ? " says so" : "") << " after ms " << in_ms(f.narrow_after)
      << " telling " << f.telling << " of " << static_cast<int>(f.tells);
}

}  // namespace

std::string to_string(const Scenario& s) {
  std::ostringstream out;
  tell(out << "  active:", s.active);
  tell(out << "\n  passive:", s.passive);
  tell(out << "\n  to passive:", s.to_passive);
  tell(out << "\n  to active:", s.to_active);
  if (s.active.config.fast_open_connect != FastOpen::kOff) {
    out << "\n  Fast Open, cookie " << static_cast<int>(s.cookie)
        << (s.active.config.fast_open_connect == FastOpen::kWithoutCookies ? ", not shown" : "");
  }
  return out.str() + (s.patient ? "\n" : "\n  impatient\n");
}

}  // namespace tern::test
