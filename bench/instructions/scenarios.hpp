// SPDX-License-Identifier: BSD-3-Clause
// What clients do while instructions are counted: each kind of load that docs/performance.md speaks of.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "instructions/peer.hpp"

namespace tern::bench {

constexpr uint32_t kUnits = 10'000;  // of what is counted, in each scenario

// Clients, round by round: they speak, tern has its round, they hear what it sent.
class Scenario {
 public:
  virtual ~Scenario() = default;

  // Appends the frames that the clients send now.
  virtual void speak(net::Instant now, std::vector<Bytes>& frames) = 0;
  // Whether clients that say nothing have ended. Where frames are lost they may wait for a timer of tern's.
  virtual bool ended() const { return true; }
  // Throws std::runtime_error when tern does not do as it should.
  virtual void hear(const Reply& reply) = 0;
  // How many there were of what is counted: connections, requests, frames.
  virtual uint64_t units() const = 0;
};

// server: tern's address on the link.
// HTTP requests, so many on each connection. server_closes: it is asked to, so that TIME-WAIT is tern's.
std::unique_ptr<Scenario> make_exchanges(net::MacAddress server, uint32_t per_connection, bool server_closes);
// Full frames that tern sends; of so many (every) one is lost, 0: none is.
std::unique_ptr<Scenario> make_download(net::MacAddress server, uint32_t every);
std::unique_ptr<Scenario> make_upload(net::MacAddress server);  // full frames that tern receives
std::unique_ptr<Scenario> make_flood(net::MacAddress server);   // SYNs that nobody follows up
// Sessions of the proxy, whose clients and backends both are ours, with a request and an answer of so many
// full segments each; 0: of a small one.
std::unique_ptr<Scenario> make_sessions(net::MacAddress server, uint32_t segments);

// By its name in budget.toml; null when there is none.
std::unique_ptr<Scenario> make_scenario(std::string_view name, net::MacAddress server);

// The n-th connection to one of tern's ports; each has a name of its own.
net::FourTuple client_tuple(uint32_t n, uint16_t port);
tcp::Seq client_sequence(uint32_t n);

}  // namespace tern::bench
