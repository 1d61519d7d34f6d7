// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 request.
#include "tern/services/http_request.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tern::app {

namespace {

// What a byte may be part of. A table, since each byte of a head is judged, and most of them twice.
enum Class : uint8_t {
  kToken = 0x01,   // RFC 9110 section 5.6.2
  kValue = 0x02,   // of a field: section 5.5
  kTarget = 0x04,  // of a request, as far as it is looked at here
};

constexpr std::array<uint8_t, 256> kClasses = [] {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool symbol = kSymbols.find(static_cast<char>(c)) != std::string_view::npos;
    const int token = letter || symbol || (c >= '0' && c <= '9') ? kToken : 0;
    const int value = c >= ' ' || c == '\t' ? kValue : 0;
    const int target = c > ' ' && c <= '~' ? kTarget : 0;
    classes[c] = static_cast<uint8_t>(token | value | target);
  }
  return classes;
}();

bool is_all(std::string_view text, Class wanted) {
  uint8_t common = wanted;
  for (const char c : text) common &= kClasses[static_cast<uint8_t>(c)];
  return common != 0;
}

bool is_token(std::string_view text) { return !text.empty() && is_all(text, kToken); }

// The length of a literal is known, so that this is a comparison and no call.
template <size_t kSize>
bool is(std::string_view text, const char (&literal)[kSize]) {
  return text.size() == kSize - 1 && std::memcmp(text.data(), literal, kSize - 1) == 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view lower_case) {
  if (a.size() != lower_case.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower_case[i]) return false;
  }
  return true;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether one element of a comma-separated list is word.
bool lists(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (same(trim(list.substr(0, comma)), word)) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

// What the fields say that the request's meaning depends on.
struct Fields {
  uint32_t hosts = 0;
  bool close = false;
  bool keep_alive = false;
};

// RFC 9112 section 3.2.2: a server takes a whole URL for its path too.
std::string_view path_of(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (target.front() == '/') return target;
  if (!same(target.substr(0, kScheme.size()), kScheme)) return target;
  const size_t path = target.find('/', kScheme.size());
  return path == std::string_view::npos ? "/" : target.substr(path);
}

// RFC 9112 section 3: method SP target SP version.
bool parse_request_line(std::string_view line, HttpRequest& request) {
  const size_t first = line.find(' ');
  if (first == std::string_view::npos) return false;
  const size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(second + 1);
  request.target = line.substr(first + 1, second - first - 1);
  if (!is_token(method) || request.target.empty()) return false;
  if (!is_all(request.target, kTarget)) return false;
  if (!is(version, "HTTP/1.1") && !is(version, "HTTP/1.0")) return false;
  request.target = path_of(request.target);
  request.http_1_0 = version.back() == '0';
  request.method = is(method, "GET")    ? HttpMethod::kGet
                   : is(method, "HEAD") ? HttpMethod::kHead
                                        : HttpMethod::kOther;
  return true;
}

// RFC 9112 section 5: name ":" value, no white space before the colon, no folding.
bool parse_field(std::string_view line, HttpRequest& request, Fields& fields) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (!is_token(name)) return false;
  if (!is_all(value, kValue)) return false;
  if (same(name, "connection")) {
    fields.close = fields.close || lists(value, "close");
    fields.keep_alive = fields.keep_alive || lists(value, "keep-alive");
  } else if (same(name, "content-length")) {
    if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; }))
      return false;
    if (value.find_first_not_of('0') != std::string_view::npos) request.has_body = true;
  } else if (same(name, "transfer-encoding")) {
    request.has_body = true;
  } else if (same(name, "host")) {
    ++fields.hosts;
  }
  return true;
}

}  // namespace

std::optional<std::string_view> find_http_field(const HttpRequest& request, std::string_view name) {
  for (std::string_view rest = request.fields; !rest.empty();) {
    const size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    const size_t colon = std::min(line.find(':'), line.size());
    if (same(line.substr(0, colon), name)) return trim(line.substr(std::min(colon + 1, line.size())));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return std::nullopt;
}

HttpParse parse_http_request(std::span<const uint8_t> bytes, HttpRequest& request, uint32_t& length) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), kMaxHttpHead));
  request = HttpRequest{};
  Fields fields;
  bool first = true;
  size_t fields_at = 0;
  for (size_t start = 0;;) {
    const size_t end = text.find('\n', start);
    if (end == std::string_view::npos) break;
    if (end == start || text[end - 1] != '\r') return HttpParse::kMalformed;
    const std::string_view line = text.substr(start, end - 1 - start);
    start = end + 1;
    if (first && line.empty() && end == 1) continue;  // one before the request line is ignored: section 2.2
    if (first) {
      if (!parse_request_line(line, request)) return HttpParse::kMalformed;
      first = false;
      fields_at = start;
    } else if (line.empty()) {
      request.fields = text.substr(fields_at, end - 1 - fields_at);
      length = static_cast<uint32_t>(start);
      request.persistent = !fields.close && (!request.http_1_0 || fields.keep_alive);  // section 9.3
      const bool host_as_due =
          fields.hosts == 1 || (fields.hosts == 0 && request.http_1_0);  // RFC 9112 section 3.2
      return host_as_due ? HttpParse::kDone : HttpParse::kMalformed;
    } else if (!parse_field(line, request, fields)) {
      return HttpParse::kMalformed;
    }
  }
  return text.size() == kMaxHttpHead ? HttpParse::kTooLarge : HttpParse::kIncomplete;
}

}  // namespace tern::app
