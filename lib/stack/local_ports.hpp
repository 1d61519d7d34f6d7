// SPDX-License-Identifier: BSD-3-Clause
// Which local ports are left to connections that we open, for each address and port of a peer: RFC 6056
// section 3.3.3's "next port that is free" found in a bounded number of steps, also when none is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "net/address.hpp"
#include "stack/steering.hpp"

namespace tern::stack {

// A set of local ports, from kFirstPort on: a bit for each, and above them a bit for each word that holds
// any.
class PortSet {
 public:
  PortSet();                          // none
  explicit PortSet(PortShare share);  // those of a worker
  void insert(uint16_t port);
  void erase(uint16_t port);
  bool contains(uint16_t port) const;
  uint32_t size() const { return size_; }
  // The first from this one on, which is below kPorts and counts from kFirstPort, and round behind the last.
  std::optional<uint16_t> next(uint32_t from) const;

 private:
  static constexpr uint32_t kBits = 64;
  static constexpr uint32_t kWords = kPorts / kBits;
  static constexpr uint32_t kGroups = kWords / kBits;
  std::array<uint64_t, kWords> words_;
  std::array<uint64_t, kGroups> groups_;
  uint32_t size_;
};

// Between one of our addresses and a peer's address and port.
struct PortsToward {
  PortSet free;     // lent to nobody
  PortSet waiting;  // in TIME-WAIT with timestamps, and so to be had again where need be (RFC 6191)
};

class LocalPorts {
 public:
  // How many peers without a connection are remembered: 8 KiB each.
  static constexpr size_t kMostIdle = 1024;
  static constexpr uint64_t kBytesPerPeer = sizeof(PortsToward);

  explicit LocalPorts(PortShare share = {}) : all_(share) {}

  enum class Use : uint8_t { kFree, kOpen, kWaiting };

  // What there is toward each peer.
  const PortSet& all() const { return all_; }
  // Of the tuple's addresses and remote port; its local port does not matter. Null: all are free.
  const PortsToward* find(const net::FourTuple& tuple) const;
  // The same, made where there is none. Good until the next mark().
  PortsToward& toward(const net::FourTuple& tuple);
  // What becomes of the tuple's local port.
  void mark(const net::FourTuple& tuple, Use use);

 private:
  struct Hash {
    size_t operator()(const net::FourTuple& tuple) const;
  };
  static net::FourTuple peer_of(net::FourTuple tuple) {
    tuple.local_port = 0;
    return tuple;
  }

  const PortSet all_;
  std::unordered_map<net::FourTuple, std::unique_ptr<PortsToward>, Hash> peers_;
};

}  // namespace tern::stack
