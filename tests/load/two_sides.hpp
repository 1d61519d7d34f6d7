// SPDX-License-Identifier: BSD-3-Clause
// ternload's traffic on one worker and a server on another, in virtual time: what either sends is carried to
// the other.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stack/bench.hpp"
#include "ternload/traffic.hpp"

namespace tern::test {

// A mode as the command line would leave it, against port 80 of kPeerAddress.
load::Options load_options(load::Mode mode, uint32_t connections,
                           load::Protocol protocol = load::Protocol::kHttp);

// Queues text on a connection.
void send_text(stack::Socket& socket, std::string_view text);

// A web server whose answers a test gives: the whole response to a whole request, or nothing.
class Web : public stack::Service {
 public:
  using Answer = std::function<std::string(const std::string& request)>;
  explicit Web(Answer answer) : answer_(std::move(answer)) {}

  void text(stack::Socket& socket) override;
  void ended(stack::Socket& socket) override { socket.close(); }
  void closed(stack::Socket& socket) override;
  // Answers whatever has been asked and not been answered on this connection, now that it may.
  void answer(stack::Socket& socket);

  std::vector<std::string> requests;                     // all, in the order of their coming
  std::map<uint32_t, std::vector<std::string>> waiting;  // by connection, those without an answer
  std::map<tcp::CloseReason, int> closes;

 private:
  Answer answer_;
  std::map<uint32_t, std::string> partial_;
};

// "HTTP/1.1 200 OK" with this body, and "Connection: close" where the request asks for it.
std::string page(const std::string& request, std::string_view body);

class TwoSides {
 public:
  TwoSides(const load::Options& options, std::unique_ptr<stack::Service> server);
  ~TwoSides();
  TwoSides(const TwoSides&) = delete;
  TwoSides& operator=(const TwoSides&) = delete;

  // Rounds of both sides for so long; a frame takes less than one to the other side.
  void pass(net::Duration time, net::Duration round = std::chrono::microseconds(100));
  // The same until the traffic is done; fails when it is not within ten seconds.
  void finish();
  uint64_t errors(load::Error error) const { return tally.errors[static_cast<size_t>(error)].value(); }
  uint64_t error_sum() const { return tally.read(ours->now).error_sum(); }

  load::Tally tally;
  load::Traffic* traffic = nullptr;
  std::unique_ptr<Bench> ours;
  std::unique_ptr<Bench> theirs;
  bool cut = false;      // nothing gets through
  uint64_t carried = 0;  // frames

 private:
  void carry(Bench& from, Bench& to);
};

}  // namespace tern::test
