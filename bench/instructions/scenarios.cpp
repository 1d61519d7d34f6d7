// SPDX-License-Identifier: BSD-3-Clause
// What clients do while instructions are counted: the scenarios by name, and the flood.
#include "instructions/scenarios.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "instructions/stage.hpp"

namespace tern::bench {

net::FourTuple client_tuple(uint32_t n, uint16_t port) {
  constexpr net::Ipv4Address kClient{0xc000020a};  // 192.0.2.10
  constexpr uint32_t kFirstPort = 10'000;
  static_assert(kFirstPort + kUnits <= 0xffff);
  return {kServer, kClient, port, static_cast<uint16_t>(kFirstPort + n)};
}

tcp::Seq client_sequence(uint32_t n) { return tcp::Seq{n * 2'654'435'761u}; }

namespace {

// From as many addresses.
class Flood : public Scenario {
 public:
  explicit Flood(net::MacAddress server) : server_(server) {}

  void speak(net::Instant now, std::vector<Bytes>& frames) override {
    constexpr uint32_t kPerRound = 32;
    const uint32_t end = std::min(sent_ + kPerRound, kUnits);
    for (; sent_ < end; ++sent_) {
      net::FourTuple tuple = client_tuple(sent_, kHttpPort);
      tuple.remote = {0x0a000000 | (client_sequence(sent_) - tcp::Seq{0}) >> 8};  // within 10.0.0.0/8
      frames.push_back(Peer(server_, tuple, client_sequence(sent_)).syn(now));
    }
  }

  void hear(const Reply& reply) override {
    if (!reply.seg.has(tcp::kSyn) || !reply.seg.has(tcp::kAck))
      throw std::runtime_error("tern did not answer a SYN");
    ++answered_;
  }

  uint64_t units() const override { return answered_; }

 private:
  net::MacAddress server_;
  uint32_t sent_ = 0;
  uint64_t answered_ = 0;
};

}  // namespace

std::unique_ptr<Scenario> make_flood(net::MacAddress server) { return std::make_unique<Flood>(server); }

std::unique_ptr<Scenario> make_scenario(std::string_view name, net::MacAddress server) {
  constexpr std::string_view kLosses = "losses/";
  if (name.starts_with(kLosses)) {
    const std::string_view number = name.substr(kLosses.size());
    uint32_t every = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), every);
    if (error != std::errc() || end != number.data() + number.size() || every < 3) return nullptr;
    return make_download(server, every);
  }
  if (name == "connections") return make_exchanges(server, 1, false);
  if (name == "time_waits") return make_exchanges(server, 1, true);
  if (name == "requests") return make_exchanges(server, kUnits / 32, false);
  if (name == "flood") return make_flood(server);
  if (name == "download") return make_download(server, 0);
  if (name == "losses") return make_download(server, 100);
  if (name == "upload") return make_upload(server);
  if (name == "proxied") return make_sessions(server, 0);
  if (name == "spliced") return make_sessions(server, kUnits / 4);
  return nullptr;
}

}  // namespace tern::bench
