// SPDX-License-Identifier: BSD-3-Clause
// Frames with the time at which they were on the wire, in a file as tcpdump writes and reads it (pcap, with
// nanoseconds).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "net/instant.hpp"

namespace tern::bench {

using Bytes = std::vector<uint8_t>;

struct CapturedFrame {
  net::Instant at;
  Bytes bytes;
};

// Both throw std::runtime_error naming the file.
void write_capture(const std::string& path, const std::vector<CapturedFrame>& frames);
std::vector<CapturedFrame> read_capture(const std::string& path);

}  // namespace tern::bench
