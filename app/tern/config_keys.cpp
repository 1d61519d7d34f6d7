// SPDX-License-Identifier: BSD-3-Clause
// The table of the configuration's keys.
#include "tern/config_keys.hpp"

#include <algorithm>
#include <array>

namespace tern::app {
namespace {

using enum ValueType;

constexpr std::array kTables = std::to_array<KnownTable>({{"eal", false},
                                                          {"dataplane", false},
                                                          {"port", true},
                                                          {"tcp", false},
                                                          {"pool", true},
                                                          {"backend", true},
                                                          {"service", true}});

// EAL numbers its threads from 0 to 127 and the control thread is one of them, hence 127 workers. A receive
// ring alone holds 1024 buffers, hence the least number of them. 576 bytes is what every IPv4 host must take
// (RFC 791), 48 bytes the smallest segment of Linux; 9216 bytes is the largest frame that usual NICs pass.
constexpr std::array kKeys = std::to_array<KnownKey>({
    {"eal", "args", kTexts, "[]", "an array of strings, one EAL argument each"},

    {"dataplane", "workers", kIntegers, "", "an array of 1 to 127 CPU numbers of this machine, each once"},
    {"dataplane", "idle", kText, "\"adaptive\"", "\"adaptive\" or \"poll\""},
    {"dataplane", "idle_sleep_us", kInteger, "150", "microseconds", 10, 10000},
    {"dataplane", "max_connections", kInteger, "100000", "connections per worker", 64, 16777216},
    {"dataplane", "busy_connections", kInteger, "0", "connections per worker", 64, 16777216, "automatic"},
    {"dataplane", "drain_s", kInteger, "0", "seconds", 1, 86400, "not at all"},
    {"dataplane", "max_time_waits", kInteger, "0", "connections per worker", 64, 16777216,
     "as many as max_connections"},
    {"dataplane", "max_orphans", kInteger, "8192", "connections per worker", 1, 16777216},
    {"dataplane", "buffers", kInteger, "0", "packet buffers per worker", 4096, 16777216, "automatic"},
    {"dataplane", "fast_open_keys", kTexts, "[]",
     "an array of at most two strings of 32 hexadecimal digits, such as "
     "\"a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4\""},

    {"port", "device", kText, "",
     "a DPDK virtual device such as \"net_tap0\" or a PCI address such as \"0000:01:00.0\""},
    {"port", "args", kText, "\"\"", "the device's arguments, such as \"iface=tern0\""},
    {"port", "addresses", kTexts, "", "an array of one or more strings \"a.b.c.d/len\""},
    {"port", "mtu", kInteger, "1500", "bytes", 576, 9216},
    {"port", "offload", kBoolean, "true", "true or false"},

    {"tcp", "cookies", kText, "\"always\"", "\"always\", \"when-full\" or \"never\""},
    {"tcp", "syn_backlog", kInteger, "1024", "half-open connections", 1, 1048576},
    {"tcp", "syn_ack_retries", kInteger, "5", "retransmissions", 0, 16},
    {"tcp", "max_connections", kInteger, "0", "connections per worker", 1, 16777216,
     "as many as there may be"},
    {"tcp", "accept_backlog", kInteger, "1024", "connections", 1, 1048576},
    {"tcp", "abort_on_overflow", kBoolean, "false", "true or false"},
    {"tcp", "fast_open", kBoolean, "false", "true or false"},
    {"tcp", "fast_open_pending", kInteger, "256", "connections", 1, 65536},
    {"tcp", "msl_s", kInteger, "30", "seconds", 1, 120},
    {"tcp", "mss", kInteger, "0", "bytes", 48, 8960, "from the port's mtu"},
    {"tcp", "mss_floor", kInteger, "512", "bytes", 28, 1460},
    {"tcp", "mtu_probing", kText, "\"black-hole\"", "\"off\", \"black-hole\" or \"always\""},
    {"tcp", "base_mss", kInteger, "1024", "bytes", 48, 8960},
    {"tcp", "window_scale", kInteger, "7", "bits", 0, 14},
    {"tcp", "timestamps", kBoolean, "true", "true or false"},
    {"tcp", "sack", kBoolean, "true", "true or false"},
    {"tcp", "ecn", kText, "\"accept\"", "\"off\", \"accept\" or \"on\""},
    {"tcp", "ecn_syn_retries", kInteger, "0", "SYNs sent again", 0, 15},
    {"tcp", "nagle", kBoolean, "true", "true or false"},
    {"tcp", "receive_buffer_kib", kInteger, "4096", "KiB", 4, 65536},
    {"tcp", "receive_buffer_initial_kib", kInteger, "64", "KiB", 4, 65536},
    {"tcp", "send_buffer_kib", kInteger, "256", "KiB", 4, 65536},
    {"tcp", "initial_window_segments", kInteger, "10", "segments", 1, 10},
    {"tcp", "congestion", kText, "\"cubic\"", "\"cubic\", \"newreno\" or \"bbr\""},
    {"tcp", "pacing", kBoolean, "false", "true or false"},
    {"tcp", "restart_after_idle", kBoolean, "true", "true or false"},
    {"tcp", "window_validation", kBoolean, "false", "true or false"},
    {"tcp", "rto_initial_ms", kInteger, "1000", "milliseconds", 100, 60000},
    {"tcp", "rto_min_ms", kInteger, "200", "milliseconds", 1, 60000},
    {"tcp", "rto_max_ms", kInteger, "60000", "milliseconds", 1000, 600000},
    {"tcp", "retransmit_limit", kInteger, "15", "retransmissions in a row", 1, 32},
    {"tcp", "syn_retries", kInteger, "7", "SYNs sent again", 1, 15},
    {"tcp", "delayed_ack_ms", kInteger, "40", "milliseconds", 0, 498},
    {"tcp", "quick_ack_segments", kInteger, "16", "full segments", 0, 255},
    {"tcp", "ack_every_segments", kInteger, "8", "full segments per acknowledgment", 1, 64},
    {"tcp", "challenge_acks", kInteger, "10", "segments", 1, 63},
    {"tcp", "challenge_interval_ms", kInteger, "5000", "milliseconds", 100, 60000},
    {"tcp", "time_to_live", kInteger, "64", "hops", 1, 255},
    {"tcp", "dscp", kInteger, "0", "differentiated services code point", 0, 63},
    {"tcp", "fin_wait_2_s", kInteger, "60", "seconds", 1, 3600},
    {"tcp", "keep_alive", kBoolean, "false", "true or false"},
    {"tcp", "keep_alive_idle_s", kInteger, "7200", "seconds", 1, 32400},
    {"tcp", "keep_alive_interval_s", kInteger, "75", "seconds", 1, 32400},
    {"tcp", "keep_alive_count", kInteger, "9", "probes in a row", 2, 127},
    {"tcp", "user_timeout_ms", kInteger, "0", "milliseconds", 100, 32400000, "no bound but retransmit_limit"},
    {"tcp", "user_timeout_option", kBoolean, "false", "true or false"},
    {"tcp", "user_timeout_min_s", kInteger, "100", "seconds", 1, 32400},
    {"tcp", "user_timeout_max_s", kInteger, "3600", "seconds", 1, 32400},
    {"tcp", "account_limits", kBoolean, "false", "true or false"},

    {"pool", "name", kText, "", "a name of its own, 1 to 32 of the characters a-z, 0-9 and -"},
    {"pool", "algorithm", kText, "\"round-robin\"",
     "\"round-robin\", \"least-connections\", \"random-two\", \"source-hash\" or \"maglev\""},
    {"pool", "maglev_size", kInteger, "65537", "entries, a prime number", 251, 5000011},
    {"pool", "slow_start_s", kInteger, "0", "seconds", 1, 3600, "at once"},
    {"pool", "persistence_s", kInteger, "0", "seconds", 1, 86400, "none"},
    {"pool", "persistence_entries", kInteger, "65536", "clients per worker", 64, 16777216},
    {"pool", "check", kText, "\"tcp\"", "\"tcp\", \"http\" or \"none\""},
    {"pool", "check_interval_ms", kInteger, "2000", "milliseconds", 10, 3600000},
    {"pool", "check_timeout_ms", kInteger, "1000", "milliseconds", 10, 3600000},
    {"pool", "check_rise", kInteger, "2", "checks in a row", 1, 1000},
    {"pool", "check_fall", kInteger, "3", "checks in a row", 1, 1000},
    {"pool", "check_host", kText, "\"\"", "a host name, such as \"www.example.com\""},
    {"pool", "check_path", kText, "\"/\"", "a path, such as \"/health\""},
    {"pool", "check_status", kInteger, "0", "HTTP status", 100, 599, "any from 200 to 399"},
    {"pool", "initially_up", kBoolean, "false", "true or false"},
    {"pool", "eject_after", kInteger, "3", "connections in a row", 1, 1000, "never"},
    {"pool", "eject_ms", kInteger, "1000", "milliseconds", 10, 3600000},
    {"pool", "eject_most_ms", kInteger, "60000", "milliseconds", 10, 3600000},
    {"pool", "send_proxy", kText, "\"none\"", "\"none\", \"v1\" or \"v2\""},
    {"pool", "proxy_options", kTexts, "[]", "an array of \"crc32c\" and \"unique-id\""},
    {"pool", "sources", kTexts, "[]", "an array of addresses of ports"},

    {"backend", "pool", kText, "", "the name of a [[pool]]"},
    {"backend", "name", kText, "", "a name of its own in the pool, 1 to 32 of the characters a-z, 0-9 and -"},
    {"backend", "address", kText, "", "a string \"address:port\""},
    {"backend", "weight", kInteger, "1", "beside the others' weights", 0, 256},
    {"backend", "max_connections", kInteger, "0", "connections per worker", 1, 16777216, "no limit"},
    {"backend", "backup", kBoolean, "false", "true or false"},

    {"service", "name", kText, "", "a name of its own, 1 to 32 of the characters a-z, 0-9 and -"},
    {"service", "kind", kText, "", "\"echo\", \"discard\", \"chargen\", \"http\" or \"proxy\""},
    {"service", "listen", kTexts, "", "an array of one or more strings \"address:port\""},
    {"service", "pool", kText, "\"\"", "the name of a [[pool]]"},
    {"service", "connect_timeout_ms", kInteger, "5000", "milliseconds", 10, 600000},
    {"service", "retries", kInteger, "3", "other backends", 0, 7},
    {"service", "queue_timeout_ms", kInteger, "10000", "milliseconds", 10, 600000},
    {"service", "queue_length", kInteger, "1024", "clients per worker", 0, 1048576},
    {"service", "client_timeout_ms", kInteger, "0", "milliseconds", 10, 86400000, "no limit"},
    {"service", "server_timeout_ms", kInteger, "0", "milliseconds", 10, 86400000, "no limit"},
    {"service", "client_fin_timeout_ms", kInteger, "0", "milliseconds", 10, 86400000,
     "client_timeout_ms goes on"},
    {"service", "server_fin_timeout_ms", kInteger, "0", "milliseconds", 10, 86400000,
     "server_timeout_ms goes on"},
    {"service", "spare_connections", kInteger, "0", "connections per worker and backend", 1, 1024, "none"},
    {"service", "spare_age_ms", kInteger, "5000", "milliseconds", 100, 600000},
    {"service", "accept_proxy_from", kTexts, "[]", "an array of strings \"a.b.c.d/len\""},
    {"service", "allow", kTexts, "[]", "an array of strings \"a.b.c.d/len\""},
    {"service", "deny", kTexts, "[]", "an array of strings \"a.b.c.d/len\""},
    {"service", "max_per_source", kInteger, "0", "connections per worker", 1, 16777216, "no limit"},
    {"service", "max_per_prefix", kInteger, "0", "connections per worker", 1, 16777216, "no limit"},
    {"service", "prefix_length", kInteger, "24", "bits", 1, 31},
    {"service", "rate_per_source", kInteger, "0", "new connections a second, per worker", 1, 1000000,
     "no limit"},
    {"service", "rate_burst", kInteger, "0", "connections", 1, 1000000, "as many as a second's"},
    {"service", "tracked_sources", kInteger, "65536", "addresses per worker", 64, 16777216},
    {"service", "refuse", kText, "\"reset\"", "\"reset\" or \"silent\""},
    {"service", "root", kText, "\"\"", "the path of a folder, or \"\" (none)"},
    {"service", "root_limit_mib", kInteger, "64", "MiB per worker", 1, 65536},
    {"service", "max_requests", kInteger, "0", "requests of a connection", 1, 8000, "no limit"},
    {"service", "idle_timeout_s", kInteger, "0", "seconds", 1, 32400, "no limit"},
});

}  // namespace

std::span<const KnownKey> known_keys() { return kKeys; }
std::span<const KnownTable> known_tables() { return kTables; }

const KnownKey* find_key(std::string_view table, std::string_view name) {
  const auto* const found = std::find_if(kKeys.begin(), kKeys.end(), [&](const KnownKey& key) {
    return key.table == table && key.name == name;
  });
  return found == kKeys.end() ? nullptr : found;
}

std::string header(std::string_view table) {
  const bool repeated = std::any_of(kTables.begin(), kTables.end(), [&](const KnownTable& known) {
    return known.name == table && known.repeated;
  });
  const std::string name(table);
  return repeated ? "[[" + name + "]]" : "[" + name + "]";
}

std::string allowed(const KnownKey& key) {
  if (key.type != kInteger) return std::string(key.note);
  const std::string range = "an integer from " + std::to_string(key.least) + " to " +
                            std::to_string(key.most) + " (" + std::string(key.note) + ")";
  return key.zero.empty() ? range : range + ", or 0 (" + std::string(key.zero) + ")";
}

}  // namespace tern::app
