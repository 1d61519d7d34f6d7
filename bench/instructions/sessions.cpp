// SPDX-License-Identifier: BSD-3-Clause
// Sessions of the proxy: each client sends a request, its backend answers and closes, then the client does.
#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "instructions/scenarios.hpp"
#include "instructions/stage.hpp"
#include "net/arp.hpp"

namespace tern::bench {

namespace {

constexpr net::MacAddress kBackendMac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr uint32_t kSmallAnswer = 170;  // bytes, as the page of Exchanges
constexpr uint32_t kPerRound = 8;       // segments of each backend, below every window
constexpr uint32_t kPeriod = 251;       // of what the answers' bytes are

std::string answer(uint32_t from, uint32_t size) {
  std::string text(size, 0);
  for (uint32_t i = 0; i < size; ++i) text[i] = static_cast<char>((from + i) % kPeriod);
  return text;
}

class Sessions : public Scenario {
 public:
  // count: how many there are in all, at_once: at a time; segments: full ones of an answer, 0: a small one.
  Sessions(net::MacAddress server, uint32_t count, uint32_t at_once, uint32_t segments)
      : server_(server), count_(count), segments_(segments), sessions_(at_once) {}

  void speak(net::Instant now, std::vector<Bytes>& frames) override {
    constexpr uint32_t kSteps = 6;  // of a session; they begin apart, so that each round meets all of them
    if (round_ == 0) introduce_backends(frames);
    ++round_;
    for (uint32_t i = 0; i < sessions_.size(); ++i) {
      if (round_ > i % kSteps) speak(sessions_[i], now, frames);
    }
  }

  void hear(const Reply& reply) override {
    const bool of_client = reply.tuple.local_port == kProxyPort;
    for (Session& session : sessions_) {
      std::optional<Peer>& peer = of_client ? session.client : session.backend;
      if (!peer || peer->tuple() != reply.tuple) continue;
      peer->hear(reply);
      if (!reply.text.empty())
        of_client ? take_answer(session, reply.text) : take_request(session, reply.text);
      return;
    }
    if (of_client || !reply.seg.has(tcp::kSyn)) throw std::runtime_error("tern sent a segment to nobody");
    meet_backend(reply);
  }

  uint64_t units() const override { return segments_ == 0 ? finished_ : passed_; }

 private:
  struct Session {
    uint32_t number = 0;
    std::optional<Peer> client = {}, backend = {};
    bool asked = false, heard = false, accepted = false;  // the request, and the backend's SYN-ACK
    uint32_t sent = 0;                                    // segments of the answer
    uint32_t received = 0;                                // bytes of it
    uint32_t come = 0;                                    // segments since the last acknowledgment
    std::vector<Peer::Acknowledgment> owed = {};          // for every other segment
    bool closed = false;                                  // the client's FIN has left
  };

  // Where the backends are, told by each in an answer to a question that was none.
  void introduce_backends(std::vector<Bytes>& frames) const {
    for (uint32_t i = 0; i < kBackends; ++i) {
      net::ArpPacket request;
      request.sender_mac = server_;
      request.sender = kServer;
      request.target = {kFirstBackend.value + i};
      Bytes& frame = frames.emplace_back(net::kArpFrameLength);
      net::write_arp_reply(net::ArpFrame(frame.data(), frame.size()), kBackendMac, request);
    }
  }

  std::string request(const Session& session) const {
    return "GET /" + std::to_string(session.number) +
           " HTTP/1.1\r\nHost: 192.0.2.2\r\nConnection: close\r\n\r\n";
  }

  // Sessions ask for backends in the order in which they spoke.
  void meet_backend(const Reply& reply) {
    const auto waits = [](const Session& session) { return session.asked && !session.backend; };
    const auto session = std::ranges::find_if(sessions_, waits);
    if (session == sessions_.end()) throw std::runtime_error("tern opened a connection for nobody");
    session->backend.emplace(server_, reply.tuple, client_sequence(session->number) + 1);
    session->backend->hear(reply);
  }

  void take_request(Session& session, std::string_view text) {
    if (session.heard || text != request(session)) throw std::runtime_error("tern passed on a wrong request");
    session.heard = true;
  }

  void take_answer(Session& session, std::string_view text) {
    if (text != answer(session.received, static_cast<uint32_t>(text.size())))
      throw std::runtime_error("tern passed on a wrong answer");
    session.received += static_cast<uint32_t>(text.size());
    ++passed_;
    if (++session.come % 2 == 0) session.owed.push_back(session.client->acknowledgment());
  }

  void speak(Session& session, net::Instant now, std::vector<Bytes>& frames) {
    if (!session.client) return open(session, now, frames);
    speak_as_client(session, now, frames);
    if (session.backend) speak_as_backend(session, now, frames);
  }

  void open(Session& session, net::Instant now, std::vector<Bytes>& frames) {
    if (opened_ == count_) return;
    session = {.number = opened_};
    session.client.emplace(server_, client_tuple(opened_, kProxyPort), client_sequence(opened_));
    ++opened_;
    frames.push_back(session.client->syn(now));
  }

  void speak_as_client(Session& session, net::Instant now, std::vector<Bytes>& frames) const {
    Peer& client = *session.client;
    if (!session.asked) {
      frames.push_back(client.segment(tcp::kAck | tcp::kPsh, request(session), now));
      session.asked = true;
      return;
    }
    if (client.ended()) {
      if (!session.closed) frames.push_back(client.segment(tcp::kFin | tcp::kAck, {}, now));
      session.closed = true;
      return;
    }
    for (const Peer::Acknowledgment& owed : session.owed) frames.push_back(client.acknowledge(owed, now));
    session.owed.clear();
  }

  void speak_as_backend(Session& session, net::Instant now, std::vector<Bytes>& frames) {
    Peer& backend = *session.backend;
    if (!session.accepted) {
      frames.push_back(backend.segment(tcp::kSyn | tcp::kAck, {}, now));
      session.accepted = true;
      return;
    }
    const uint32_t whole = std::max(segments_, 1u);
    const uint32_t size = segments_ == 0 ? kSmallAnswer : kFullText;
    for (uint32_t i = 0; session.heard && session.sent < whole && i < kPerRound; ++i, ++session.sent) {
      const bool last = session.sent + 1 == whole;
      const auto flags = static_cast<uint8_t>(tcp::kAck | (last ? tcp::kPsh | tcp::kFin : 0));
      frames.push_back(backend.segment(flags, answer(session.sent * size, size), now));
    }
    if (!backend.ended()) return;
    if (session.received != whole * size) throw std::runtime_error("tern lost a part of an answer");
    frames.push_back(backend.segment(tcp::kAck, {}, now));
    ++finished_;
    session = {};
  }

  net::MacAddress server_;
  uint32_t count_, segments_;
  std::vector<Session> sessions_;
  uint32_t round_ = 0, opened_ = 0;
  uint64_t finished_ = 0, passed_ = 0;
};

}  // namespace

std::unique_ptr<Scenario> make_sessions(net::MacAddress server, uint32_t segments) {
  constexpr uint32_t kAtOnce = 32;  // half of what a round receives at most
  const uint32_t few = segments == 0 ? 0 : kUnits / segments;
  return std::make_unique<Sessions>(server, few == 0 ? kUnits : few, few == 0 ? kAtOnce : few, segments);
}

}  // namespace tern::bench
