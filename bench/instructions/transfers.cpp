// SPDX-License-Identifier: BSD-3-Clause
// Large transfers over a few connections, in full segments.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "instructions/scenarios.hpp"
#include "instructions/stage.hpp"

namespace tern::bench {

namespace {

constexpr uint32_t kTransfers = 4;
constexpr uint32_t kSegments = kUnits / kTransfers;  // of each
constexpr uint32_t kBytes = kSegments * kFullText;

struct Client {
  Peer peer;
  bool begun = false, asked = false, closed = false, finished = false;
  uint32_t heard = 0;  // segments since the last acknowledgment
  uint32_t sent = 0;   // full segments
  tcp::Seq body = {};  // the first byte of the response's
  std::vector<Peer::Acknowledgment> owed = {};
};

// What both directions have in common: a handshake, and a FIN of the client at the end.
class Transfer : public Scenario {
 public:
  Transfer(net::MacAddress server, uint16_t port, uint32_t window) {
    for (uint32_t i = 0; i < kTransfers; ++i)
      clients_.push_back({Peer(server, client_tuple(i, port), client_sequence(i), window)});
  }

  void speak(net::Instant now, std::vector<Bytes>& frames) override {
    for (Client& client : clients_) {
      Peer& peer = client.peer;
      if (!client.begun) {
        frames.push_back(peer.syn(now));
        client.begun = true;
      } else if (peer.connected() && !client.closed) {
        if (go_on(client, now, frames)) continue;
        frames.push_back(peer.segment(tcp::kFin | tcp::kAck, {}, now));
        client.closed = true;
      } else if (peer.ended() && peer.delivered() && !client.finished) {
        frames.push_back(peer.segment(tcp::kAck, {}, now));
        client.finished = true;
      }
    }
  }

  bool ended() const override { return std::ranges::all_of(clients_, &Client::finished); }

  void hear(const Reply& reply) override {
    for (Client& client : clients_) {
      if (client.peer.tuple() != reply.tuple) continue;
      client.peer.hear(reply);
      take(client, reply);
      return;
    }
    throw std::runtime_error("tern sent a segment to nobody");
  }

  uint64_t units() const override { return frames_; }

 protected:
  // False when all is transferred.
  virtual bool go_on(Client& client, net::Instant now, std::vector<Bytes>& frames) = 0;
  virtual void take(Client& client, const Reply& reply) = 0;

  std::vector<Client> clients_;
  uint64_t frames_ = 0;
};

// One request, one large response, acknowledged every other segment (RFC 5681 section 4.2), and at once where
// one is missing.
class Download : public Transfer {
 public:
  // every: of so many segments one is lost; 0: none is.
  Download(net::MacAddress server, uint32_t every) : Transfer(server, kHttpPort, kWindow), every_(every) {
    for (Client& client : clients_) {
      if (every != 0) client.peer.expect_losses();
    }
  }

  void hear(const Reply& reply) override {
    constexpr uint32_t kTail = 400;  // of which nothing is lost, so that nobody waits for a timeout
    if (!reply.text.empty() && ++frames_ + kTail < kUnits && every_ != 0 && frames_ % every_ == every_ / 2)
      return;
    Transfer::hear(reply);
  }

 private:
  // So much that the acknowledgments of all clients are what a round receives at most.
  static constexpr uint32_t kWindow = 32 * kFullText;

  bool go_on(Client& client, net::Instant now, std::vector<Bytes>& frames) override {
    if (!client.asked) {
      const std::string request =
          "GET /bytes/" + std::to_string(kBytes) + " HTTP/1.1\r\nHost: 192.0.2.2\r\n\r\n";
      frames.push_back(client.peer.segment(tcp::kAck | tcp::kPsh, request, now));
      return client.asked = true;
    }
    if (client.peer.received() == client.body + kBytes) return false;
    if (client.heard % 2 != 0) client.owed.push_back(client.peer.acknowledgment());
    for (const Peer::Acknowledgment& owed : client.owed) frames.push_back(client.peer.acknowledge(owed, now));
    client.owed.clear();
    client.heard = 0;
    return true;
  }

  void take(Client& client, const Reply& reply) override {
    if (reply.text.empty()) return;
    if (client.body == tcp::Seq{}) {
      if (reply.text.starts_with("HTTP/1.1 200 ")) {
        client.body = reply.seg.seq + static_cast<uint32_t>(reply.text.find("\r\n\r\n") + 4);
      } else if (!client.peer.misses()) {
        throw std::runtime_error("tern did not answer a request");
      }
    }
    tcp::Seq place = reply.seg.seq;
    for (const char byte : client.body == tcp::Seq{} ? std::string_view() : reply.text) {
      constexpr uint32_t kPeriod = 251;  // of what /bytes/N holds
      if (place >= client.body && static_cast<uint8_t>(byte) != (place - client.body) % kPeriod)
        throw std::runtime_error("tern sent wrong bytes");
      place = place + 1;
    }
    if (++client.heard % 2 == 0 || client.peer.misses()) {
      client.owed.push_back(client.peer.acknowledgment());
      client.heard = 0;
    }
  }

  uint32_t every_;
};

class Upload : public Transfer {
 public:
  explicit Upload(net::MacAddress server) : Transfer(server, kDiscardPort, 1 << 16) {}

 private:
  static constexpr uint32_t kPerRound = 8;  // segments of each client, well below tern's first window

  bool go_on(Client& client, net::Instant now, std::vector<Bytes>& frames) override {
    if (client.sent == kSegments) return false;
    const uint32_t end = std::min(client.sent + kPerRound, kSegments);
    for (; client.sent < end; ++client.sent) {
      frames.push_back(client.peer.segment(tcp::kAck, text_, now));
      ++frames_;
    }
    return true;
  }

  void take(Client&, const Reply& reply) override {
    if (!reply.text.empty()) throw std::runtime_error("tern sent what it was to discard");
  }

  const std::string text_ = std::string(kFullText, 'x');
};

}  // namespace

std::unique_ptr<Scenario> make_download(net::MacAddress server, uint32_t every) {
  return std::make_unique<Download>(server, every);
}
std::unique_ptr<Scenario> make_upload(net::MacAddress server) { return std::make_unique<Upload>(server); }

}  // namespace tern::bench
