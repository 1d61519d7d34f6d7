// SPDX-License-Identifier: BSD-3-Clause
// The character generator, RFC 864.
#include "tern/services/chargen.hpp"

#include <algorithm>
#include <vector>

namespace tern::app {

namespace {

constexpr uint32_t kPrintable = 95;   // ' ' to '~'
constexpr uint32_t kLine = 72;        // characters, before CR LF
constexpr uint32_t kRepetitions = 9;  // of the pattern's period; as many as a StaticPayload holds

std::vector<uint8_t> make_pattern() {
  std::vector<uint8_t> bytes;
  for (uint32_t line = 0; line < kPrintable * kRepetitions; ++line) {
    for (uint32_t i = 0; i < kLine; ++i) bytes.push_back(static_cast<uint8_t>(' ' + (line + i) % kPrintable));
    bytes.push_back('\r');
    bytes.push_back('\n');
  }
  return bytes;
}

}  // namespace

Chargen::Chargen() : pattern_(make_pattern()) {}

// The connection's word is its offset in the pattern.
void Chargen::generate(stack::Socket& socket) {
  while (const uint32_t room = socket.send_room()) {
    const auto offset = static_cast<uint32_t>(socket.user());
    const uint32_t length = std::min(room, pattern_.size() - offset);
    net::Packet packet = socket.slice(pattern_, offset, length);
    if (!packet) return;
    socket.send(packet);
    socket.user() = (offset + length) % pattern_.size();
  }
  socket.want_room();
}

}  // namespace tern::app
