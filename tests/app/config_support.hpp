// SPDX-License-Identifier: BSD-3-Clause
// A small configuration that is right, and the machine that it is right for, for tests to vary.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tern/config.hpp"

namespace tern::app {

inline Machine eight_cpus() { return {{0, 1, 2, 3, 4, 5, 6, 7}}; }

// Line 2 is workers, 4 and 5 are the port's keys, 7 to 9 those of the service; what is added begins at
// line 10.
inline constexpr std::string_view kMinimal =
    "[dataplane]\n"
    "workers = [1]\n"
    "[[port]]\n"
    "device = \"net_tap0\"\n"
    "addresses = [\"192.0.2.2/24\"]\n"
    "[[service]]\n"
    "name = \"web\"\n"
    "kind = \"http\"\n"
    "listen = [\"192.0.2.2:80\"]\n";

// kMinimal with the line that holds old (which must be there) replaced, and more behind it.
inline std::string minimal(std::string_view old = {}, std::string_view line = {},
                           std::string_view more = {}) {
  std::string text(kMinimal);
  if (!old.empty()) {
    const size_t at = text.find(old);
    const size_t begin = text.rfind('\n', at) + 1;
    text.replace(begin, text.find('\n', at) - begin, line);
  }
  return text.append(more);
}

// A configuration that is right with one pool, one backend and a proxy, each with more keys behind its own,
// which end at lines 7, 11 and 16.
inline std::string balanced(std::string_view pool_keys = {}, std::string_view backend_keys = {},
                            std::string_view service_keys = {}) {
  std::string text(kMinimal.substr(0, kMinimal.find("[[service]]")));
  text.append("[[pool]]\nname = \"web\"\n").append(pool_keys);
  text.append("[[backend]]\npool = \"web\"\nname = \"a\"\naddress = \"192.0.2.11:80\"\n")
      .append(backend_keys);
  text.append(
      "[[service]]\nname = \"front\"\nkind = \"proxy\"\nlisten = [\"192.0.2.2:80\"]\npool = \"web\"\n");
  return text.append(service_keys);
}

// Every key of [tcp], a line each, with a value that is not the default; for ports whose mtu is 9000.
inline constexpr std::string_view kEveryTcpKey =
    "cookies = \"when-full\"\n"
    "syn_backlog = 64\n"
    "syn_ack_retries = 3\n"
    "max_connections = 1000\n"
    "accept_backlog = 50\n"
    "abort_on_overflow = true\n"
    "fast_open = true\n"
    "fast_open_pending = 77\n"
    "msl_s = 5\n"
    "mss = 8000\n"
    "mss_floor = 28\n"
    "mtu_probing = \"always\"\n"
    "base_mss = 600\n"
    "window_scale = 9\n"
    "timestamps = false\n"
    "sack = false\n"
    "ecn = \"on\"\n"
    "ecn_syn_retries = 2\n"
    "nagle = false\n"
    "receive_buffer_kib = 65536\n"
    "receive_buffer_initial_kib = 16\n"
    "quick_ack_segments = 4\n"
    "send_buffer_kib = 512\n"
    "initial_window_segments = 4\n"
    "congestion = \"newreno\"\n"
    "pacing = true\n"
    "restart_after_idle = false\n"
    "window_validation = true\n"
    "rto_initial_ms = 900\n"
    "rto_min_ms = 300\n"
    "rto_max_ms = 30000\n"
    "retransmit_limit = 7\n"
    "syn_retries = 3\n"
    "delayed_ack_ms = 20\n"
    "ack_every_segments = 2\n"
    "challenge_acks = 3\n"
    "challenge_interval_ms = 700\n"
    "fin_wait_2_s = 30\n"
    "keep_alive = true\n"
    "keep_alive_idle_s = 600\n"
    "keep_alive_interval_s = 30\n"
    "keep_alive_count = 3\n"
    "user_timeout_ms = 90000\n"
    "user_timeout_option = true\n"
    "user_timeout_min_s = 20\n"
    "user_timeout_max_s = 200\n"
    "account_limits = true\n"
    "time_to_live = 9\n"
    "dscp = 46\n";

// What those keys set.
inline auto fields(const tcp::Config& c) {
  return std::tie(
      c.msl, c.mss, c.mss_floor, c.mtu_probing, c.base_mss, c.window_scale, c.timestamps, c.sack, c.ecn,
      c.ecn_syn_retries, c.nagle, c.receive_buffer, c.receive_buffer_initial, c.quick_ack_segments,
      c.send_buffer, c.initial_window_segments, c.congestion, c.restart_after_idle, c.window_validation,
      c.rto_initial, c.rto_min, c.rto_max, c.retransmit_limit, c.syn_retries, c.delayed_ack,
      c.ack_every_segments, c.fin_wait_2, c.keep_alive, c.user_timeout, c.marking, c.cookies, c.syn_backlog,
      c.syn_ack_retries, c.max_connections, c.accept_backlog, c.abort_on_overflow, c.fast_open_listen,
      c.fast_open_connect, c.fast_open_pending, c.pacing, c.user_timeout_option, c.user_timeout_least,
      c.user_timeout_most, c.account_limits, c.challenge_acks, c.challenge_interval);
}

inline LoadedConfig parse(std::string_view text) { return parse_config(text, "t.toml", eight_cpus()); }

inline std::string lines(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_string(problem) + "\n";
  return text;
}

inline std::string errors(std::string_view text) { return lines(parse(text).errors); }

}  // namespace tern::app
