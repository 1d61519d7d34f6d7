// SPDX-License-Identifier: BSD-3-Clause
// Conditions and ranges: RFC 9110 sections 13 and 14.
#include "tern/services/http_conditions.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace tern::app {

namespace {

// Whether a list of entity tags, or "*", names this one. Weakness is passed over where weak comparison is
// asked for, and a weak tag is no match where strong is (section 8.8.3.2); ours is strong.
bool names_tag(std::string_view list, std::string_view tag, bool weakly) {
  if (list == "*") return true;
  for (size_t at = list.find('"'); at != std::string_view::npos;) {
    const size_t end = list.find('"', at + 1);
    if (end == std::string_view::npos) return false;
    const bool weak = at >= 2 && list.substr(at - 2, 2) == "W/";
    if (list.substr(at, end + 1 - at) == tag && (weakly || !weak)) return true;
    at = list.find('"', end + 1);
  }
  return false;
}

// A field's date; one whose year has two digits is taken for one near the file's own.
std::optional<HttpTime> date_of(const HttpRequest& request, std::string_view name,
                                const HttpValidators& file) {
  const auto text = find_http_field(request, name);
  return text ? parse_http_date(*text, file.modified) : std::nullopt;
}

// Section 13.2.2, steps 1 to 4.
HttpOutcome judge(const HttpRequest& request, const HttpValidators& file) {
  if (const auto match = find_http_field(request, "if-match")) {
    if (!names_tag(*match, file.tag, false)) return HttpOutcome::kPreconditionFailed;
  } else if (const auto since = date_of(request, "if-unmodified-since", file)) {
    if (file.modified > *since) return HttpOutcome::kPreconditionFailed;
  }
  if (const auto none = find_http_field(request, "if-none-match")) {
    if (names_tag(*none, file.tag, true)) return HttpOutcome::kNotModified;
  } else if (const auto since = date_of(request, "if-modified-since", file)) {
    if (file.modified <= *since) return HttpOutcome::kNotModified;
  }
  return HttpOutcome::kWhole;
}

// Step 5: whether the range is still wanted of the file as it is now. A date counts when it is the same.
bool range_applies(const HttpRequest& request, const HttpValidators& file) {
  const auto condition = find_http_field(request, "if-range");
  if (!condition) return true;
  if (condition->starts_with('"') || condition->starts_with("W/")) return *condition == file.tag;
  return parse_http_date(*condition, file.modified) == file.modified;
}

// Digits only; one that 64 bits do not hold is as good as the largest.
std::optional<uint64_t> parse_position(std::string_view digits) {
  if (digits.empty() || !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() ? value : std::numeric_limits<uint64_t>::max();
}

// Section 14.1.2.
HttpSelection select_range(std::string_view range, uint32_t size) {
  const HttpSelection whole{HttpOutcome::kWhole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  const auto lower = [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); };
  if (!std::ranges::equal(range.substr(0, kUnit.size()), kUnit, {}, lower)) return whole;
  range.remove_prefix(kUnit.size());
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const auto last_digits = range.substr(dash + 1);
  const auto last = parse_position(last_digits);
  if (dash == 0) {  // the last so many bytes
    if (!last) return whole;
    if (*last == 0 || size == 0) return {HttpOutcome::kUnsatisfiable, 0, 0};
    const auto length = static_cast<uint32_t>(std::min<uint64_t>(*last, size));
    return {HttpOutcome::kPart, size - length, length};
  }
  const auto first = parse_position(range.substr(0, dash));
  if (!first || (!last && !last_digits.empty()) || (last && *last < *first)) return whole;
  if (*first >= size) return {HttpOutcome::kUnsatisfiable, 0, 0};
  const uint64_t end = last ? std::min<uint64_t>(*last, size - 1) + 1 : size;
  return {HttpOutcome::kPart, static_cast<uint32_t>(*first), static_cast<uint32_t>(end - *first)};
}

}  // namespace

HttpSelection select(const HttpRequest& request, const HttpValidators& file) {
  const HttpOutcome outcome = judge(request, file);
  if (outcome != HttpOutcome::kWhole) return {outcome, 0, 0};
  const auto range = find_http_field(request, "range");
  if (!range || request.method != HttpMethod::kGet || !range_applies(request, file)) {
    return {HttpOutcome::kWhole, 0, file.size};
  }
  return select_range(*range, file.size);
}

}  // namespace tern::app
