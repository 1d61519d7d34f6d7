// SPDX-License-Identifier: BSD-3-Clause
// What a script sets before its first socket.
#include "packetdrill/settings.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

namespace tern::packetdrill {

namespace {

using Apply = std::function<void(Settings&, const std::string& value)>;

long number(const std::string& value) { return std::strtol(value.c_str(), nullptr, 0); }

// The shift with which a window can announce all of the largest buffer, up to 14.
uint8_t scale_for(uint64_t largest) {
  uint8_t shift = 0;
  while (shift < tcp::kMaxWindowScale && (uint64_t{0xffff} << shift) < largest) ++shift;
  return shift;
}

Apply sets(net::Duration tcp::KeepAlive::*field, net::Duration unit) {
  return [=](Settings& s, const std::string& v) { s.config.keep_alive.*field = number(v) * unit; };
}

void set_keep_alive_count(Settings& s, const std::string& v) {
  s.config.keep_alive.count = static_cast<uint8_t>(number(v));
}

// "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4": four numbers, each the key's next four bytes, the lowest first.
std::optional<net::PrfKey> read_key(const std::string& text) {
  std::array<unsigned, 4> numbers{};
  if (std::sscanf(text.c_str(), "%x-%x-%x-%x", &numbers[0], &numbers[1], &numbers[2], &numbers[3]) != 4) {
    return std::nullopt;
  }
  net::PrfKey key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<uint8_t>(numbers[i / 4] >> (8 * (i % 4)));
  return key;
}

void read_keys(Settings& settings, const std::string& value) {
  const size_t comma = value.find(',');
  settings.fast_open_key = read_key(value).value_or(settings.fast_open_key);
  settings.fast_open_backup_key =
      comma == std::string::npos ? std::nullopt : read_key(value.substr(comma + 1));
}

// Linux and FreeBSD count alike.
tcp::Ecn ecn_mode(long value) {
  return value == 0 ? tcp::Ecn::kOff : value == 1 ? tcp::Ecn::kOn : tcp::Ecn::kAccept;
}

const std::map<std::string, Apply>& known() {
  static const std::map<std::string, Apply> names = {
      {"tcp_timestamps", [](Settings& s, const std::string& v) { s.config.timestamps = number(v) != 0; }},
      {"tcp_sack", [](Settings& s, const std::string& v) { s.config.sack = number(v) != 0; }},
      {"tcp_ecn", [](Settings& s, const std::string& v) { s.config.ecn = ecn_mode(number(v)); }},
      {"ecn.enable", [](Settings& s, const std::string& v) { s.config.ecn = ecn_mode(number(v)); }},
      {"ecn.maxretries",
       [](Settings& s, const std::string& v) { s.config.ecn_syn_retries = static_cast<uint8_t>(number(v)); }},
      {"tcp_abort_on_overflow",
       [](Settings& s, const std::string& v) { s.abort_on_overflow = number(v) != 0; }},
      {"tcp_max_syn_backlog",
       [](Settings& s, const std::string& v) { s.config.syn_backlog = static_cast<uint32_t>(number(v)); }},
      {"tcp_synack_retries",
       [](Settings& s, const std::string& v) { s.config.syn_ack_retries = static_cast<uint8_t>(number(v)); }},
      {"tcp_syncookies",
       [](Settings& s, const std::string& v) {
         const long n = number(v);
         s.config.cookies = n == 0   ? tcp::Cookies::kNever
                            : n == 1 ? tcp::Cookies::kWhenFull
                                     : tcp::Cookies::kAlways;
       }},
      {"tcp_window_scaling",
       [](Settings& s, const std::string& v) {
         if (number(v) == 0) s.config.window_scale = tcp::kNoWindowScale;
       }},
      {"tcp_fin_timeout",
       [](Settings& s, const std::string& v) { s.config.fin_wait_2 = std::chrono::seconds(number(v)); }},
      {"tcp_keepalive_time", sets(&tcp::KeepAlive::idle, std::chrono::seconds(1))},
      {"tcp_keepalive_intvl", sets(&tcp::KeepAlive::interval, std::chrono::seconds(1))},
      {"tcp_keepalive_probes", set_keep_alive_count},
      {"tcp_fastopen",
       [](Settings& s, const std::string& v) { s.fast_open = static_cast<uint32_t>(number(v)); }},
      {"tcp_fastopen_key", read_keys},
      {"forget_fast_open", [](Settings& s, const std::string& v) { s.fast_open_forgotten = v; }},
      // FreeBSD's.
      {"implied_connect", [](Settings& s, const std::string& v) { s.implied_connect = number(v) != 0; }},
      {"keepidle", sets(&tcp::KeepAlive::idle, std::chrono::milliseconds(1))},
      {"keepintvl", sets(&tcp::KeepAlive::interval, std::chrono::milliseconds(1))},
      {"keepcnt", set_keep_alive_count},
      {"sack.enable", [](Settings& s, const std::string& v) { s.config.sack = number(v) != 0; }},
      {"rfc1323",
       [](Settings& s, const std::string& v) {
         s.config.timestamps = number(v) == 1 || number(v) == 3;
         if (number(v) == 0 || number(v) == 3) s.config.window_scale = tcp::kNoWindowScale;
       }},
      {"delacktime",
       [](Settings& s, const std::string& v) {
         s.config.delayed_ack = std::chrono::milliseconds(number(v));
       }},
      {"quick_ack_segments",
       [](Settings& s, const std::string& v) {
         s.config.quick_ack_segments = static_cast<uint8_t>(number(v));
       }},
      {"recvspace",
       [](Settings& s, const std::string& v) {  // rounded up to whole segments
         const uint32_t mss = s.config.mss;
         s.config.receive_buffer = s.config.receive_buffer_initial =
             (static_cast<uint32_t>(number(v)) + mss - 1) / mss * mss;
       }},
      {"sendspace",
       [](Settings& s, const std::string& v) { s.config.send_buffer = static_cast<uint32_t>(number(v)); }},
      {"kern.ipc.maxsockbuf",
       [](Settings& s, const std::string& v) {
         if (s.config.window_scale != tcp::kNoWindowScale)
           s.config.window_scale = scale_for(std::strtoull(v.c_str(), nullptr, 0));
       }},
  };
  return names;
}

}  // namespace

Settings default_settings() {
  Settings settings;
  settings.config.cookies = tcp::Cookies::kWhenFull;
  settings.config.mss = 1460;
  settings.config.window_scale = 8;
  settings.config.receive_buffer = settings.config.receive_buffer_initial = 540'000;
  settings.config.quick_ack_segments = 16;
  settings.config.account_limits = true;
  read_keys(settings, "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4");
  settings.config.ack_every_segments = 255;  // scripts send more than a segment at once, as offloads do
  return settings;
}

Settings read_settings(const std::string& path) {
  Settings settings = default_settings();
  std::ifstream file(path);
  std::map<std::string, std::string> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string value;
    if (words >> name && std::getline(words >> std::ws, value)) lines[name] = value;
  }
  // Whether windows are scaled is to be known before how much.
  for (const char* first : {"rfc1323", "tcp_window_scaling"}) {
    if (const auto line = lines.find(first); line != lines.end()) known().at(first)(settings, line->second);
  }
  for (const auto& [name, value] : lines) {
    if (const auto entry = known().find(name); entry != known().end()) entry->second(settings, value);
  }
  return settings;
}

}  // namespace tern::packetdrill
