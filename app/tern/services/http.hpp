// SPDX-License-Identifier: BSD-3-Clause
// A small HTTP/1.1 server: the files of a folder, see Site; or without one a fixed page at /, and at /bytes/N
// a body of N bytes, byte i being i mod 251, sent from one block of memory however large N is.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "stack/service.hpp"
#include "tern/config.hpp"
#include "tern/services/http_request.hpp"
#include "tern/services/site.hpp"
#include "tern/services/waiting_list.hpp"

namespace tern::app {

// While it is drained each answer closes its connection.
class Http : public stack::Service {
 public:
  static constexpr uint32_t kPeriod = 251;            // of the body's pattern: a prime, so that shifts show
  static constexpr uint64_t kMostBytes = 1ULL << 30;  // the largest N

  using WallClock = std::chrono::system_clock::time_point (*)();

  // max_connections: of its worker. clock: what answers are dated by. Throws std::runtime_error where files
  // cannot be read, or memory is short.
  explicit Http(const HttpConfig& config = {}, uint32_t max_connections = 0,
                WallClock clock = std::chrono::system_clock::now);

  void attach(stack::Stack& stack) override { stack_ = &stack; }
  void opened(stack::Socket& socket) override {
    if (waiting_) begin_waiting(socket.index(), socket.now());
  }
  void text(stack::Socket& socket) override { serve(socket); }
  void writable(stack::Socket& socket) override { serve(socket); }
  void ended(stack::Socket& socket) override { serve(socket); }
  void closed(stack::Socket& socket) override {
    if (waiting_) waiting_->end(socket.index());
  }
  void due() override;

 private:
  // What a connection's word holds.
  struct Progress {
    uint32_t remaining = 0;      // bytes of the body still to be queued
    uint16_t offset = 0;         // into the pattern
    uint16_t closing : 1 = 0;    // the answer under way is the last
    uint16_t from_file : 1 = 0;  // the body is, see Transfer
    uint16_t begun : 1 = 0;      // a part of the next request has come
    uint16_t answered : 13 = 0;  // requests, where their number is limited
  };
  static_assert(sizeof(Progress) == sizeof(uint64_t));

  // The rest of it where the body is a file's.
  struct Transfer {
    uint32_t file;
    uint32_t end;  // in the file: what remains lies before it
  };

  void serve(stack::Socket& socket);
  bool send_body(stack::Socket& socket, Progress& progress);
  bool answer_next(stack::Socket& socket, Progress& progress);
  bool answer(stack::Socket& socket, Progress& progress, HttpRequest& request);
  bool respond(stack::Socket& socket, Progress& progress, std::string_view status, uint32_t length,
               std::string_view type, const HttpRequest& request, std::string_view body);
  bool respond_with_page(stack::Socket& socket, Progress& progress, const HttpRequest& request);
  std::string_view date(net::Instant now);
  void renew_date(net::Instant now);

  // What an answer says of the connection, by how long that is to last: until the client closes, as HTTP/1.1
  // takes for granted and HTTP/1.0 must be told, or until the answer has been sent.
  static constexpr std::array<std::string_view, 3> kPersistence = {"", "Connection: keep-alive\r\n",
                                                                   "Connection: close\r\n"};
  static size_t persistence(const HttpRequest& request) {
    return !request.persistent ? 2 : request.http_1_0 ? 1 : 0;
  }

  // http_waiting.cpp
  void begin_waiting(uint32_t connection, net::Instant now);
  void end_waiting(stack::Socket& socket);

  // http_files.cpp
  bool answer_with_file(stack::Socket& socket, Progress& progress, const HttpRequest& request);
  bool send_file_head(stack::Socket& socket, Progress& progress, const HttpRequest& request,
                      const Site::Answer& found);
  bool send_file(stack::Socket& socket, Progress& progress);

  const uint16_t max_requests_;
  const WallClock clock_;
  stack::Stack* stack_ = nullptr;
  std::unique_ptr<WaitingList> waiting_;  // for a request; null where that may last
  net::dpdk::StaticPayload pattern_;
  std::string date_;  // the field of answers, until the worker's clock is so far
  net::Instant date_until_;
  std::array<std::string, 3> pages_;  // the whole answers to GET /, by how long the connection is to last
  std::unique_ptr<Site> site_;        // null without a folder
  std::unique_ptr<Transfer[]> transfers_;   // by Socket's index
  std::array<uint8_t, kMaxHttpHead> head_;  // a request that lies in several packets is put together here
};

}  // namespace tern::app
