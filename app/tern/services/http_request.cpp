// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 request, in one pass: each byte is looked at once, where it has a meaning.
#include "tern/services/http_request.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tern::app {

namespace {

// What a byte may be part of.
enum Class : uint8_t {
  kToken = 0x01,   // RFC 9110 section 5.6.2
  kTarget = 0x02,  // of a request, as far as it is looked at here
};

constexpr std::array<uint8_t, 256> kClasses = [] {
  constexpr std::string_view kSymbols = "!#$%&'*+-.^_`|~";
  std::array<uint8_t, 256> classes{};
  for (unsigned c = 0; c < classes.size(); ++c) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const bool symbol = kSymbols.find(static_cast<char>(c)) != std::string_view::npos;
    const int token = letter || symbol || (c >= '0' && c <= '9') ? kToken : 0;
    const int target = c > ' ' && c <= '~' ? kTarget : 0;
    classes[c] = static_cast<uint8_t>(token | target);
  }
  return classes;
}();

// What is still to be read. Reading stops at the end, where the next byte counts as one that fits nowhere.
struct Reader {
  const char* at;
  const char* end;

  bool at_end() const { return at == end; }
  size_t left() const { return static_cast<size_t>(end - at); }

  // The longest run of bytes of a class.
  std::string_view run_of(Class wanted) {
    const char* const begin = at;
    while (at != end && (kClasses[static_cast<uint8_t>(*at)] & wanted) != 0) ++at;
    return {begin, at};
  }
  // The same for those of a field's value, RFC 9110 section 5.5: all but control characters, of which a tab
  // is allowed; eight at a time.
  std::string_view run_of_value() {
    constexpr uint64_t kOnes = 0x0101010101010101;
    const char* const begin = at;
    for (;;) {
      if (left() >= 8) {
        uint64_t eight;
        std::memcpy(&eight, at, 8);
        // The highest bit of a byte below a space, and perhaps of some behind the first such one.
        const uint64_t controls = (eight - ' ' * kOnes) & ~eight & 0x80 * kOnes;
        at += controls == 0 ? 8 : std::countr_zero(controls) / 8;
        if (controls == 0) continue;
      } else {
        while (at != end && static_cast<uint8_t>(*at) >= ' ') ++at;
      }
      if (at == end || *at != '\t') return {begin, at};
      ++at;
    }
  }
  // Whether the next byte is this one, which is then taken.
  bool take(char wanted) {
    if (at == end || *at != wanted) return false;
    ++at;
    return true;
  }
};

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

// How far a part of the head was read. kIncomplete: to the end, and it was well-formed.
using Part = HttpParse;

// What must follow is not there: it may still come, or something else has.
Part lacking(const Reader& reader) { return reader.at_end() ? Part::kIncomplete : Part::kMalformed; }

Part read_line_end(Reader& reader) {
  return reader.take('\r') && reader.take('\n') ? Part::kDone : lacking(reader);
}

// RFC 9112 section 2.3, and the line's end. What HTTP/1.1 says is sufficient to read any later HTTP/1.x (RFC
// 9110 section 6.2).
Part read_version(Reader& reader, HttpRequest& request) {
  constexpr size_t kSize = 10;
  const std::string_view text(reader.at, std::min(reader.left(), kSize));
  if (!is(text, "HTTP/1.1\r\n")) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (text.size() < kSize) {
      return text.find('\n') == std::string_view::npos ? Part::kIncomplete : Part::kMalformed;
    }
    if (!text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' || !digit(text[7]) ||
        !text.ends_with("\r\n")) {
      return Part::kMalformed;
    }
    if (text[5] != '1') return Part::kOtherVersion;
    request.http_1_0 = text[7] == '0';
  }
  reader.at += kSize;
  return Part::kDone;
}

// RFC 9112 section 3: method SP target SP version.
Part read_request_line(Reader& reader, HttpRequest& request) {
  const std::string_view method = reader.run_of(kToken);
  if (reader.at_end()) return Part::kIncomplete;
  if (method.empty() || !reader.take(' ')) return Part::kMalformed;
  request.target = reader.run_of(kTarget);
  if (reader.at_end()) return Part::kIncomplete;
  if (request.target.empty() || !reader.take(' ')) return Part::kMalformed;
  if (const Part version = read_version(reader, request); version != Part::kDone) return version;
  request.target = path_of(request.target);
  request.method = is(method, "GET")    ? HttpMethod::kGet
                   : is(method, "HEAD") ? HttpMethod::kHead
                                        : HttpMethod::kOther;
  return Part::kDone;
}

// Whether the value is one that the field may have; of those whose name is of no interest any is.
bool take_field(std::string_view name, std::string_view value, HttpRequest& request, Fields& fields) {
  switch (name.size()) {
    case 4:
      if (same(name, "host")) ++fields.hosts;
      break;
    case 10:
      if (!same(name, "connection")) break;
      fields.close = fields.close || lists(value, "close");
      fields.keep_alive = fields.keep_alive || lists(value, "keep-alive");
      break;
    case 14:
      if (!same(name, "content-length")) break;
      value = trim(value);
      if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) return false;
      if (value.find_first_not_of('0') != std::string_view::npos) request.has_body = true;
      break;
    case 17:
      if (same(name, "transfer-encoding")) request.has_body = true;
      break;
    default:
      break;
  }
  return true;
}

// RFC 9112 section 5: name ":" value, no white space before the colon, no folding.
Part read_field(Reader& reader, HttpRequest& request, Fields& fields) {
  const std::string_view name = reader.run_of(kToken);
  if (reader.at_end()) return Part::kIncomplete;
  if (name.empty() || !reader.take(':')) return Part::kMalformed;
  const std::string_view value = reader.run_of_value();
  if (const Part end = read_line_end(reader); end != Part::kDone) return end;
  return take_field(name, value, request, fields) ? Part::kDone : Part::kMalformed;
}

// From the first byte to the empty line.
Part read_head(Reader& reader, HttpRequest& request, Fields& fields) {
  if (reader.take('\r') && !reader.take('\n'))
    return lacking(reader);  // an empty line is ignored: section 2.2
  if (const Part line = read_request_line(reader, request); line != Part::kDone) return line;
  const char* const begin = reader.at;
  while (!reader.take('\r')) {
    if (const Part field = read_field(reader, request, fields); field != Part::kDone) return field;
  }
  request.fields = {begin, reader.at - 1};
  return reader.take('\n') ? Part::kDone : lacking(reader);
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
  const char* const begin = reinterpret_cast<const char*>(bytes.data());
  Reader reader{begin, begin + std::min<size_t>(bytes.size(), kMaxHttpHead)};
  request = HttpRequest{};
  Fields fields;
  const Part head = read_head(reader, request, fields);
  if (head == Part::kIncomplete && bytes.size() >= kMaxHttpHead) return HttpParse::kTooLarge;
  if (head != Part::kDone) return head;
  length = static_cast<uint32_t>(reader.at - begin);
  request.persistent = !fields.close && (!request.http_1_0 || fields.keep_alive);  // section 9.3
  const bool host_as_due =
      fields.hosts == 1 || (fields.hosts == 0 && request.http_1_0);  // RFC 9112 section 3.2
  return host_as_due ? HttpParse::kDone : HttpParse::kMalformed;
}

}  // namespace tern::app
