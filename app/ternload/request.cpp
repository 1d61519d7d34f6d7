// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a request.
#include "ternload/request.hpp"

#include <algorithm>
#include <span>

#include "ternload/pattern.hpp"

namespace tern::load {

namespace {
std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
}  // namespace

std::string request_text(const Options& options, const std::string& path, bool last) {
  if (options.target.protocol == Protocol::kRaw) {
    std::string text(options.send_bytes, '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i % kPatternPeriod);
    return text;
  }
  std::string host = net::to_string(options.target.address);
  if (options.target.port != 80) host += ":" + std::to_string(options.target.port);
  return "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: ternload\r\n" +
         (last ? "Connection: close\r\n" : "") + "\r\n";
}

Request::Request(std::string text) : text_(std::move(text)) {
  if (size() > kCopied) {
    block_ = std::make_unique<net::dpdk::StaticPayload>(
        bytes_of(text_).first(std::min<size_t>(size(), pattern_block().size())));
  }
}

uint32_t Request::queue(stack::Socket& socket, uint32_t count) {
  uint32_t queued = 0;
  while (queued < count) {
    if (block_ != nullptr) {
      if (!queue_slices(socket)) return queued;
      ++queued;
      continue;
    }
    net::Packet packet = socket.allocate();
    if (!packet) return queued;
    const uint32_t fit = std::clamp(packet.tailroom() / size(), 1u, count - queued);
    for (uint32_t i = 0; i < fit; ++i) packet.append(bytes_of(text_).data(), size());
    if (!socket.send(packet)) return queued;
    queued += fit;
  }
  return queued;
}

// A request is queued whole or not at all, so that what is owed is a number of requests.
bool Request::queue_slices(stack::Socket& socket) {
  net::PacketQueue slices;
  for (uint32_t done = 0; done < size();) {
    const uint32_t offset = done % block_->size();
    const uint32_t length = std::min(size() - done, block_->size() - offset);
    net::Packet slice = socket.slice(*block_, offset, length);
    if (!slice) return false;
    slices.push_back(std::move(slice));
    done += length;
  }
  if (socket.send_room() < size()) return socket.want_room(), false;
  while (net::Packet slice = slices.pop_front()) socket.send(slice);
  return true;
}

}  // namespace tern::load
