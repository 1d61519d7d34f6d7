// SPDX-License-Identifier: BSD-3-Clause
// What tests of the http service send and get.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace tern::test {

struct Answer {
  std::string status;  // "200 OK"
  std::string head;    // the fields, with their line ends
  std::string body;
  bool has(std::string_view field) const {
    return head.find(std::string(field) + "\r\n") != std::string::npos;
  }
};

// Takes the first answer off text; nothing when it is not there as a whole.
inline std::optional<Answer> take_answer(std::string& text, bool to_head = false) {
  const size_t line = text.find("\r\n");
  const size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos || !text.starts_with("HTTP/1.1 ")) return std::nullopt;
  Answer answer{text.substr(9, line - 9), text.substr(line + 2, end - line), {}};
  const size_t length_at = answer.head.find("Content-Length: ");
  size_t length = 0;
  if (length_at == std::string::npos) return std::nullopt;
  std::from_chars(&answer.head[length_at + 16], answer.head.data() + answer.head.size(), length);
  if (to_head) length = 0;
  if (text.size() < end + 4 + length) return std::nullopt;
  answer.body = text.substr(end + 4, length);
  text.erase(0, end + 4 + length);
  return answer;
}

inline std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace tern::test
