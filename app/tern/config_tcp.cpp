// SPDX-License-Identifier: BSD-3-Clause
// The keys of [tcp], which may stand in a [[service]] too, and in a [[pool]] those of connections that tern
// opens.
#include <algorithm>
#include <array>
#include <iterator>

#include "tern/config_sections.hpp"

namespace tern::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void read_kib(const TableReader& reader, std::string_view name, uint32_t& bytes) {
  if (const auto kib = reader.integer(name)) bytes = static_cast<uint32_t>(*kib) * 1024;
}

void read_cookies(const TableReader& reader, tcp::Cookies& cookies) {
  const auto word = reader.text("cookies");
  if (!word) return;
  if (word->value == "always") {
    cookies = tcp::Cookies::kAlways;
  } else if (word->value == "when-full") {
    cookies = tcp::Cookies::kWhenFull;
  } else if (word->value == "never") {
    cookies = tcp::Cookies::kNever;
  } else {
    reader.refuse("cookies", word->at, in_quotes(word->value));
  }
}

// The keys of what stands before a service: SYN queue, accept queue, and Fast Open's.
constexpr std::array<std::string_view, 7> kBacklogKeys{
    "cookies",        "syn_backlog",       "syn_ack_retries",  "max_connections",
    "accept_backlog", "abort_on_overflow", "fast_open_pending"};

void read_backlogs(const TableReader& reader, tcp::Config& values) {
  read_cookies(reader, values.cookies);
  reader.read_integer("syn_backlog", values.syn_backlog);
  reader.read_integer("syn_ack_retries", values.syn_ack_retries);
  reader.read_integer("max_connections", values.max_connections);
  if (values.max_connections == 0) values.max_connections = tcp::kNoLimit;
  reader.read_integer("accept_backlog", values.accept_backlog);
  reader.read_boolean("abort_on_overflow", values.abort_on_overflow);
  reader.read_integer("fast_open_pending", values.fast_open_pending);
}

void read_ecn(const TableReader& reader, tcp::Ecn& ecn) {
  const auto word = reader.text("ecn");
  if (!word) return;
  constexpr std::string_view kWords[] = {"off", "accept", "on"};
  const auto* const found = std::ranges::find(kWords, word->value);
  if (found == std::end(kWords)) {
    reader.refuse("ecn", word->at, in_quotes(word->value));
  } else {
    ecn = static_cast<tcp::Ecn>(found - std::begin(kWords));
  }
}

void read_congestion(const TableReader& reader, tcp::Congestion& congestion) {
  const auto word = reader.text("congestion");
  if (!word) return;
  const auto* const found =
      std::find(std::begin(tcp::kCongestionNames), std::end(tcp::kCongestionNames), word->value);
  if (found == std::end(tcp::kCongestionNames)) {
    reader.refuse("congestion", word->at, in_quotes(word->value));
    return;
  }
  congestion = static_cast<tcp::Congestion>(found - std::begin(tcp::kCongestionNames));
}

// The least shift by which a window can say how large the buffer is (RFC 7323 section 2.2: at most 14).
uint8_t scale_for(uint32_t receive_buffer) {
  uint8_t shift = 0;
  while (shift < tcp::kMaxWindowScale && (uint64_t{0xffff} << shift) < receive_buffer) ++shift;
  return shift;
}

void read_mtu_probing(const TableReader& reader, tcp::MtuProbing& probing) {
  const auto word = reader.text("mtu_probing");
  if (!word) return;
  if (word->value == "off") {
    probing = tcp::MtuProbing::kOff;
  } else if (word->value == "black-hole") {
    probing = tcp::MtuProbing::kBlackHole;
  } else if (word->value == "always") {
    probing = tcp::MtuProbing::kAlways;
  } else {
    reader.refuse("mtu_probing", word->at, in_quotes(word->value));
  }
}

void note_written(const TableReader& reader, TcpSettings& settings) {
  for (const KnownKey& key : known_keys()) {
    if (key.table != "tcp" || !reader.has(key.name)) continue;
    settings.written.insert_or_assign(std::string(key.name),
                                      Written{reader.where(key.name), reader.path(key.name)});
  }
}

std::string setting(std::string_view name, net::Duration value) {
  return std::string(name) + " = " + std::to_string(value / milliseconds(1));
}

// Complains of low > high where reader's table wrote one of them; what [tcp] alone did is complained of
// there.
void check_order(const TableReader& reader, std::string_view low_name, net::Duration low,
                 std::string_view high_name, net::Duration high, ProblemLog& log) {
  if (low <= high || (!reader.has(low_name) && !reader.has(high_name))) return;
  const std::string_view name = reader.has(low_name) ? low_name : high_name;
  log.error(reader.where(name), reader.path(name),
            "found " + setting(low_name, low) + " above " + setting(high_name, high) +
                "; allowed is rto_min_ms <= rto_initial_ms <= rto_max_ms");
}

void warn_of_window(const TableReader& reader, const TcpSettings& settings, ProblemLog& log) {
  if (!reader.has("window_scale") && !reader.has("receive_buffer_kib")) return;
  const uint64_t reach = uint64_t{1} << (16 + settings.values.window_scale);
  if (reach >= settings.values.receive_buffer) return;
  const std::string_view name = reader.has("window_scale") ? "window_scale" : "receive_buffer_kib";
  log.warning(reader.where(name), reader.path(name),
              "found window_scale = " + std::to_string(settings.values.window_scale) +
                  " with receive_buffer_kib = " + std::to_string(settings.values.receive_buffer / 1024) +
                  "; such a scale can offer " + std::to_string(reach / 1024) +
                  " KiB only, the rest is never used");
}

// All keys but those of backlogs.
void read_connection_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log) {
  tcp::Config& values = settings.values;
  bool fast_open = values.fast_open_listen == tcp::FastOpen::kOn;
  reader.read_boolean("fast_open", fast_open);
  values.fast_open_listen = values.fast_open_connect = fast_open ? tcp::FastOpen::kOn : tcp::FastOpen::kOff;
  reader.read_duration<seconds>("msl_s", values.msl);
  reader.read_integer("mss", values.mss);
  reader.read_integer("mss_floor", values.mss_floor);
  read_mtu_probing(reader, values.mtu_probing);
  reader.read_integer("base_mss", values.base_mss);
  reader.read_integer("window_scale", values.window_scale);
  reader.read_boolean("timestamps", values.timestamps);
  reader.read_boolean("sack", values.sack);
  read_ecn(reader, values.ecn);
  reader.read_integer("ecn_syn_retries", values.ecn_syn_retries);
  reader.read_boolean("nagle", values.nagle);
  read_kib(reader, "receive_buffer_kib", values.receive_buffer);
  read_kib(reader, "receive_buffer_initial_kib", values.receive_buffer_initial);
  read_kib(reader, "send_buffer_kib", values.send_buffer);
  reader.read_integer("initial_window_segments", values.initial_window_segments);
  read_congestion(reader, values.congestion);
  reader.read_boolean("pacing", values.pacing);
  reader.read_boolean("restart_after_idle", values.restart_after_idle);
  reader.read_boolean("window_validation", values.window_validation);
  reader.read_duration<milliseconds>("rto_initial_ms", values.rto_initial);
  reader.read_duration<milliseconds>("rto_min_ms", values.rto_min);
  reader.read_duration<milliseconds>("rto_max_ms", values.rto_max);
  reader.read_integer("retransmit_limit", values.retransmit_limit);
  reader.read_integer("syn_retries", values.syn_retries);
  reader.read_duration<milliseconds>("delayed_ack_ms", values.delayed_ack);
  reader.read_integer("quick_ack_segments", values.quick_ack_segments);
  reader.read_integer("ack_every_segments", values.ack_every_segments);
  reader.read_integer("challenge_acks", values.challenge_acks);
  reader.read_duration<milliseconds>("challenge_interval_ms", values.challenge_interval);
  reader.read_integer("time_to_live", values.marking.time_to_live);
  reader.read_integer("dscp", values.marking.dscp);
  reader.read_duration<seconds>("fin_wait_2_s", values.fin_wait_2);
  reader.read_boolean("keep_alive", values.keep_alive.on);
  reader.read_duration<seconds>("keep_alive_idle_s", values.keep_alive.idle);
  reader.read_duration<seconds>("keep_alive_interval_s", values.keep_alive.interval);
  reader.read_integer("keep_alive_count", values.keep_alive.count);
  reader.read_duration<milliseconds>("user_timeout_ms", values.user_timeout);
  reader.read_boolean("user_timeout_option", values.user_timeout_option);
  reader.read_duration<seconds>("user_timeout_min_s", values.user_timeout_least);
  reader.read_duration<seconds>("user_timeout_max_s", values.user_timeout_most);
  reader.read_boolean("account_limits", values.account_limits);
  note_written(reader, settings);
  if (!settings.written.contains("window_scale")) {
    values.window_scale = std::max(values.window_scale, scale_for(values.receive_buffer));
  }
  check_order(reader, "rto_min_ms", values.rto_min, "rto_initial_ms", values.rto_initial, log);
  check_order(reader, "rto_initial_ms", values.rto_initial, "rto_max_ms", values.rto_max, log);
  warn_of_window(reader, settings, log);
}

}  // namespace

tcp::Config TcpSettings::config() const {
  tcp::Config config = values;
  if (config.congestion == tcp::Congestion::kBbr) config.ecn = tcp::Ecn::kOff;  // which it does not answer
  return config;
}

void read_tcp_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log) {
  read_backlogs(reader, settings.values);
  read_connection_keys(reader, settings, log);
}

void read_opening_keys(const TableReader& reader, TcpSettings& settings, ProblemLog& log) {
  for (const std::string_view name : kBacklogKeys) {
    if (!reader.has(name)) continue;
    log.error(reader.where(name), reader.path(name),
              "found below a table whose connections tern opens itself; allowed is it below [tcp] or a "
              "[[service]], for those that it accepts");
  }
  read_connection_keys(reader, settings, log);
}

TcpSettings read_tcp(const toml::table* table, ProblemLog& log) {
  TcpSettings settings;
  settings.values.mss = 0;  // until the ports' mtu is known
  if (table == nullptr) return settings;
  const TableReader reader(*table, {"tcp"}, log);
  reader.check_keys();
  read_tcp_keys(reader, settings, log);
  return settings;
}

}  // namespace tern::app
