// SPDX-License-Identifier: BSD-3-Clause
// A small HTTP/1.1 server. RFC 9110, RFC 9112.
#include "tern/services/http.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <vector>

#include "tern/services/http_date.hpp"

namespace tern::app {

namespace {

constexpr std::string_view kPage =
    "<!doctype html>\n<html><head><title>tern</title></head>\n"
    "<body><h1>tern</h1><p>This page was sent by tern, a TCP in user space on DPDK.</p></body></html>\n";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr std::string_view kBinary = "application/octet-stream";

std::vector<uint8_t> make_pattern() {
  constexpr uint32_t kRepetitions = 65535 / Http::kPeriod;
  std::vector<uint8_t> bytes(size_t{Http::kPeriod} * kRepetitions);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i % Http::kPeriod);
  return bytes;
}

// N of "/bytes/N", if it is that and at most kMostBytes.
std::optional<uint32_t> bytes_wanted(std::string_view target) {
  constexpr std::string_view kPrefix = "/bytes/";
  if (!target.starts_with(kPrefix)) return std::nullopt;
  target.remove_prefix(kPrefix.size());
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), n);
  if (error != std::errc() || end != target.data() + target.size() || n > Http::kMostBytes)
    return std::nullopt;
  return static_cast<uint32_t>(n);
}

// Calls append with each piece of an answer in turn.
template <typename Append>
void compose(std::string_view status, std::string_view date, uint32_t length, std::string_view type,
             std::string_view persistence, std::string_view body, Append&& append) {
  std::array<char, 10> digits;
  const char* end = std::to_chars(digits.begin(), digits.end(), length).ptr;
  append("HTTP/1.1 ");
  append(status);
  append("\r\n");
  append(date);
  append("Server: tern\r\nContent-Type: ");
  append(type);
  append("\r\nContent-Length: ");
  append(std::string_view(digits.data(), end));
  append("\r\n");
  append(persistence);
  append("\r\n");
  append(body);
}

// Why a request is not answered.
std::string_view refusal(HttpParse outcome) {
  switch (outcome) {
    case HttpParse::kTooLarge:
      return "431 Request Header Fields Too Large";
    case HttpParse::kOtherVersion:
      return "505 HTTP Version Not Supported";
    default:
      return "400 Bad Request";
  }
}

void append_to(net::Packet& packet, std::string_view text) {
  packet.append(reinterpret_cast<const uint8_t*>(text.data()), static_cast<uint32_t>(text.size()));
}

}  // namespace

Http::Http(const HttpConfig& config, uint32_t max_connections, WallClock clock)
    : max_requests_(config.max_requests), clock_(clock), pattern_(make_pattern()) {
  if (config.idle_timeout > net::Duration::zero()) {
    waiting_ = std::make_unique<WaitingList>(max_connections + 1, config.idle_timeout);
  }
  if (config.root.empty()) return;
  site_ = std::make_unique<Site>(config.root);
  // The worker has one connection more, to meet TIME-WAITs. Memory is not touched before it is needed.
  transfers_ = std::make_unique_for_overwrite<Transfer[]>(size_t{max_connections} + 1);
}

void Http::serve(stack::Socket& socket) {
  auto progress = std::bit_cast<Progress>(socket.user());
  while (progress.closing == 0 || progress.remaining != 0) {
    if (progress.remaining != 0 ? !send_body(socket, progress) : !answer_next(socket, progress)) break;
  }
  if (progress.closing != 0 && progress.remaining == 0) {
    // Whatever else the client sent gets no answer. We close only when it has the last one whole: text that
    // meets a closed socket means RST, which would overtake the answer (RFC 9112 section 9.6).
    socket.skip(socket.unread());
    if (socket.delivered() || socket.at_end()) {
      socket.close();
    } else {
      socket.shutdown();
      socket.want_room();
    }
  } else if (socket.at_end() && progress.remaining == 0) {
    socket.close();
  }
  socket.user() = std::bit_cast<uint64_t>(progress);
}

// Queues as much of the body as there is room for; false when that was not all.
bool Http::send_body(stack::Socket& socket, Progress& progress) {
  if (progress.from_file != 0) return send_file(socket, progress);
  while (progress.remaining != 0) {
    const uint32_t room = socket.send_room();
    if (room == 0) return socket.want_room(), false;
    const uint32_t length = std::min({room, progress.remaining, pattern_.size() - progress.offset});
    net::Packet packet = socket.slice(pattern_, progress.offset, length);
    if (!packet) return false;
    socket.send(packet);
    progress.remaining -= length;
    progress.offset = static_cast<uint16_t>((progress.offset + length) % kPeriod);
  }
  return true;
}

// Answers the next request, if there is a whole one and room for the answer's head.
bool Http::answer_next(stack::Socket& socket, Progress& progress) {
  if (socket.unread() == 0) return false;
  if (socket.send_room() == 0) return socket.want_room(), false;
  HttpRequest request;
  uint32_t length = 0;
  std::span<const uint8_t> bytes = socket.front();
  HttpParse outcome = parse_http_request(bytes, request, length);
  if (outcome == HttpParse::kIncomplete && socket.unread() > bytes.size()) {
    bytes = std::span<const uint8_t>(head_).first(socket.peek(head_));
    outcome = parse_http_request(bytes, request, length);
  }
  if (outcome == HttpParse::kIncomplete && socket.full()) outcome = HttpParse::kTooLarge;
  if (outcome == HttpParse::kIncomplete) {
    if (waiting_ && progress.begun == 0) begin_waiting(socket.index(), socket.now());  // so long for the rest
    progress.begun = 1;
    progress.closing = socket.peer_closed();  // the rest will never come
    return progress.closing != 0;
  }
  if (outcome == HttpParse::kDone) {
    const bool is_last = draining() || (max_requests_ != 0 && progress.answered + 1 >= max_requests_);
    if (is_last) request.persistent = false;
    if (!answer(socket, progress, request)) return false;
    if (max_requests_ != 0) progress.answered = (progress.answered + 1) & 0x1fff;
    progress.begun = 0;
    if (waiting_) begin_waiting(socket.index(), socket.now());
    socket.skip(length);
    return true;
  }
  request.persistent = false;
  return respond(socket, progress, refusal(outcome), 0, kPlain, request, {});
}

bool Http::answer(stack::Socket& socket, Progress& progress, HttpRequest& request) {
  if (request.has_body) request.persistent = false;  // the body is not read, so nothing behind it can be
  if (request.method == HttpMethod::kOther) {
    request.persistent = false;
    return respond(socket, progress, "405 Method Not Allowed\r\nAllow: GET, HEAD", 0, kPlain, request, {});
  }
  if (site_) return answer_with_file(socket, progress, request);
  if (request.target.size() == 1 && request.target.front() == '/') {
    return respond_with_page(socket, progress, request);
  }
  if (const auto wanted = bytes_wanted(request.target)) {
    if (!respond(socket, progress, "200 OK", *wanted, kBinary, request, {})) return false;
    if (request.method == HttpMethod::kGet) progress.remaining = *wanted;
    progress.offset = 0;
    return true;
  }
  constexpr std::string_view kMissing = "There is / and /bytes/N for N up to 1073741824.\n";
  return respond(socket, progress, "404 Not Found", static_cast<uint32_t>(kMissing.size()), kPlain, request,
                 kMissing);
}

// Queues the head of an answer and a short body; false when no buffer is to be had, which writable() will
// mend.
bool Http::respond(stack::Socket& socket, Progress& progress, std::string_view status, uint32_t length,
                   std::string_view type, const HttpRequest& request, std::string_view body) {
  net::Packet packet = socket.allocate();
  if (!packet) return false;
  compose(status, date(socket.now()), length, type, kPersistence[persistence(request)],
          request.method == HttpMethod::kGet ? body : std::string_view(),
          [&](std::string_view piece) { append_to(packet, piece); });
  socket.send(packet);
  progress.closing = !request.persistent;
  return true;
}

// RFC 9110 section 6.6.1. The clock is read once a second, and the answers with the page follow.
std::string_view Http::date(net::Instant now) {
  if (now >= date_until_) renew_date(now);
  return date_;
}

void Http::renew_date(net::Instant now) {
  const auto time = clock_();
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  date_until_ = now + std::chrono::duration_cast<net::Duration>(second + std::chrono::seconds(1) - time);
  date_ = "Date: " + format_http_date(second.time_since_epoch().count()) + "\r\n";
  for (size_t i = 0; i < pages_.size(); ++i) {
    pages_[i].clear();
    compose("200 OK", date_, static_cast<uint32_t>(kPage.size()), kHtml, kPersistence[i], kPage,
            [&](std::string_view piece) { pages_[i] += piece; });
  }
}

// The same for the page, whose answers are made once a second.
bool Http::respond_with_page(stack::Socket& socket, Progress& progress, const HttpRequest& request) {
  if (request.method != HttpMethod::kGet) {
    return respond(socket, progress, "200 OK", static_cast<uint32_t>(kPage.size()), kHtml, request, {});
  }
  net::Packet packet = socket.allocate();
  if (!packet) return false;
  date(socket.now());
  append_to(packet, pages_[persistence(request)]);
  socket.send(packet);
  progress.closing = !request.persistent;
  return true;
}

}  // namespace tern::app
