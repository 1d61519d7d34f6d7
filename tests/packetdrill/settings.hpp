// SPDX-License-Identifier: BSD-3-Clause
// What a script sets before its first socket, in place of a kernel's sysctls.
#pragma once

#include <optional>
#include <string>

#include "net/prf.hpp"
#include "tcp/config.hpp"

namespace tern::packetdrill {

struct Settings {
  tcp::Config config;
  // Linux's bits: 1 client, 2 server, 4 text without a cookie to anybody, 0x200 from anybody, 0x400 every
  // listener. Its keys: the second one only checks.
  uint32_t fast_open = 0x403;
  net::PrfKey fast_open_key{};
  std::optional<net::PrfKey> fast_open_backup_key;
  std::string fast_open_forgotten;  // changes each time that a script has the client's cookies forgotten
  // FreeBSD's: sendto() with an address opens the connection and queues the text.
  bool implied_connect = false;
  bool abort_on_overflow = false;  // answer the third segment by RST when the accept queue is full
};

// The profile that scripts are written for: SYN queue, window scale 8, ten segments to begin with.
Settings default_settings();

// The profile as changed by the file's lines "name value", names those of net.ipv4 without the prefix or of
// FreeBSD's net.inet.tcp, the last line of a name counting. Names not known and a missing file change
// nothing: scripts set many that have no meaning here.
Settings read_settings(const std::string& path);

}  // namespace tern::packetdrill
