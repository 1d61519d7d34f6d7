// SPDX-License-Identifier: BSD-3-Clause
// HTTP requests for the page at /, one connection after the other by each client.
#include <optional>
#include <stdexcept>
#include <string>

#include "instructions/scenarios.hpp"
#include "instructions/stage.hpp"

namespace tern::bench {

namespace {

constexpr uint32_t kClients = 32;  // at a time: half of what a round receives at most
constexpr uint32_t kSteps = 4;  // of a connection; clients begin apart, so that each round meets all of them
constexpr std::string_view kMore = "GET / HTTP/1.1\r\nHost: 192.0.2.2\r\nAccept: */*\r\n\r\n";
constexpr std::string_view kLast =
    "GET / HTTP/1.1\r\nHost: 192.0.2.2\r\nAccept: */*\r\nConnection: close\r\n\r\n";

class Exchanges : public Scenario {
 public:
  Exchanges(net::MacAddress server, uint32_t per_connection, bool server_closes)
      : server_(server), per_connection_(per_connection), server_closes_(server_closes), clients_(kClients) {}

  void speak(net::Instant now, std::vector<Bytes>& frames) override {
    ++round_;
    for (uint32_t i = 0; i < kClients; ++i) {
      if (round_ > i % kSteps) speak(clients_[i], now, frames);
    }
  }

  void hear(const Reply& reply) override {
    for (Client& client : clients_) {
      if (!client.peer || client.peer->tuple() != reply.tuple) continue;
      client.peer->hear(reply);
      if (!reply.text.empty()) take(client, reply.text);
      return;
    }
    throw std::runtime_error("tern sent a segment to nobody");
  }

  uint64_t units() const override { return answers_; }

 private:
  struct Client {
    std::optional<Peer> peer;
    uint32_t asked = 0, answered = 0;
    bool closed = false;  // its FIN has left
  };

  void speak(Client& client, net::Instant now, std::vector<Bytes>& frames) {
    if (!client.peer) return open(client, now, frames);
    Peer& peer = *client.peer;
    if (!peer.connected() || client.answered < client.asked) return;
    if (client.asked < per_connection_) {
      frames.push_back(peer.segment(tcp::kAck | tcp::kPsh, server_closes_ ? kLast : kMore, now));
      ++client.asked;
    } else if (!client.closed) {
      frames.push_back(peer.segment(tcp::kFin | tcp::kAck, {}, now));
      client.closed = true;
    } else if (peer.ended() && peer.delivered()) {
      if (server_closes_) return open(client, now, frames);
      frames.push_back(peer.segment(tcp::kAck, {}, now));
      client.peer.reset();
    }
  }

  void open(Client& client, net::Instant now, std::vector<Bytes>& frames) {
    client = {};
    const uint32_t connections = per_connection_ == 1 ? kUnits : kClients;
    if (opened_ == connections) return;
    client.peer.emplace(server_, client_tuple(opened_, kHttpPort), client_sequence(opened_));
    ++opened_;
    frames.push_back(client.peer->syn(now));
  }

  void take(Client& client, std::string_view text) {
    if (answer_.empty()) answer_ = text;
    if (!text.starts_with("HTTP/1.1 200 ") || text != answer_)
      throw std::runtime_error("tern did not answer a request as it did the first");
    ++client.answered;
    ++answers_;
  }

  net::MacAddress server_;
  uint32_t per_connection_;
  bool server_closes_;
  std::vector<Client> clients_;
  uint32_t round_ = 0, opened_ = 0;
  uint64_t answers_ = 0;
  std::string answer_;
};

}  // namespace

std::unique_ptr<Scenario> make_exchanges(net::MacAddress server, uint32_t per_connection,
                                         bool server_closes) {
  return std::make_unique<Exchanges>(server, per_connection, server_closes);
}

}  // namespace tern::bench
