// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1.1 response.
#include "ternload/response.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace tern::load {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view text, std::string_view lowercase) {
  return std::ranges::equal(text, lowercase, {}, lower);
}

bool has_word(std::string_view list, std::string_view lowercase) {
  const auto same_letter = [](char a, char b) { return lower(a) == b; };
  return std::search(list.begin(), list.end(), lowercase.begin(), lowercase.end(), same_letter) != list.end();
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// "HTTP/1.1 200 OK"
bool parse_status(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  head.closes = line[7] == '0';
  const auto [end, error] = std::from_chars(line.data() + 9, line.data() + 12, head.status);
  return error == std::errc() && end == line.data() + 12 && head.status >= 100;
}

bool parse_field(std::string_view line, ResponseHead& head) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same(name, "content-length")) {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.content_length);
    if (error != std::errc() || end != value.data() + value.size()) return false;
    if (head.body != BodyKind::kChunked) head.body = BodyKind::kLength;
  } else if (same(name, "transfer-encoding") && has_word(value, "chunked")) {
    head.body = BodyKind::kChunked;
  } else if (same(name, "connection")) {
    if (has_word(value, "close")) head.closes = true;
    if (has_word(value, "keep-alive")) head.closes = false;
  }
  return true;
}

}  // namespace

HeadParse parse_response_head(std::span<const uint8_t> bytes, ResponseHead& head) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  head = {};
  for (bool first = true;; first = false) {
    const size_t end = text.find('\n');
    if (end == text.npos) return HeadParse::kIncomplete;
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (first ? !parse_status(line, head) : (!line.empty() && !parse_field(line, head)))
      return HeadParse::kMalformed;
    if (line.empty()) break;
  }
  head.length = static_cast<uint32_t>(bytes.size() - text.size());
  if (head.interim() || head.status == 204 || head.status == 304) {
    head.body = BodyKind::kLength;
    head.content_length = 0;
  }
  return HeadParse::kDone;
}

}  // namespace tern::load
