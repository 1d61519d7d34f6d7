// SPDX-License-Identifier: BSD-3-Clause
// HTTP's dates: RFC 9110 section 5.6.7.
#include "tern/services/http_date.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <span>

namespace tern::app {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Takes a text apart from the left; once something does not fit, nothing does.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  void take(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }
  // The number of the name that comes next; 0 when none does.
  unsigned name(std::span<const std::string_view> names) {
    const auto found = std::ranges::find_if(names, [&](auto name) { return rest_.starts_with(name); });
    good_ = good_ && found != names.end();
    if (!good_) return 0;
    rest_.remove_prefix(found->size());
    return static_cast<unsigned>(found - names.begin());
  }
  // Of exactly this many digits, or of one behind a space where padded.
  int number(size_t digits, bool padded = false) {
    if (padded && rest_.starts_with(' ')) {
      rest_.remove_prefix(1);
      --digits;
    }
    int value = 0;
    const char* const end = rest_.data() + std::min(digits, rest_.size());
    good_ = good_ && rest_.size() >= digits &&
            std::all_of(rest_.data(), end, [](char c) { return c >= '0' && c <= '9'; });
    if (!good_) return 0;
    std::from_chars(rest_.data(), end, value);
    rest_.remove_prefix(digits);
    return value;
  }
  std::chrono::seconds time_of_day() {
    const int hour = number(2);
    take(":");
    const int minute = number(2);
    take(":");
    const int second = number(2);  // 60: a leap second
    good_ = good_ && hour <= 23 && minute <= 59 && second <= 60;
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }
  bool finished() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<HttpTime> date(const Reader& reader, int year, unsigned month, int day,
                             std::chrono::seconds time) {
  const auto date =
      std::chrono::year(year) / std::chrono::month(month + 1) / std::chrono::day(static_cast<unsigned>(day));
  if (!reader.finished() || !date.ok()) return std::nullopt;
  return (std::chrono::sys_days(date).time_since_epoch() + time) / std::chrono::seconds(1);
}

std::optional<HttpTime> parse_fixed(std::string_view text) {
  Reader r(text);
  r.name(kDays);
  r.take(", ");
  const int day = r.number(2);
  r.take(" ");
  const unsigned month = r.name(kMonths);
  r.take(" ");
  const int year = r.number(4);
  r.take(" ");
  const auto time = r.time_of_day();
  r.take(" GMT");
  return date(r, year, month, day, time);
}

std::optional<HttpTime> parse_rfc850(std::string_view text, HttpTime now) {
  Reader r(text);
  r.name(kLongDays);
  r.take(", ");
  const int day = r.number(2);
  r.take("-");
  const unsigned month = r.name(kMonths);
  r.take("-");
  const int digits = r.number(2);
  r.take(" ");
  const auto time = r.time_of_day();
  r.take(" GMT");
  const std::chrono::sys_days today =
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(now)));
  const int this_year = static_cast<int>(std::chrono::year_month_day(today).year());
  int year = this_year - this_year % 100 + digits;
  if (year > this_year + 50) year -= 100;
  return date(r, year, month, day, time);
}

std::optional<HttpTime> parse_asctime(std::string_view text) {
  Reader r(text);
  r.name(kDays);
  r.take(" ");
  const unsigned month = r.name(kMonths);
  r.take(" ");
  const int day = r.number(2, true);
  r.take(" ");
  const auto time = r.time_of_day();
  r.take(" ");
  const int year = r.number(4);
  return date(r, year, month, day, time);
}

}  // namespace

std::string format_http_date(HttpTime time) {
  const std::chrono::sys_seconds at{std::chrono::seconds(time)};
  const auto midnight = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(at - midnight);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[std::chrono::weekday(midnight).c_encoding()], static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<HttpTime> parse_http_date(std::string_view text, HttpTime now) {
  if (const auto time = parse_fixed(text)) return time;
  if (const auto time = parse_rfc850(text, now)) return time;
  return parse_asctime(text);
}

}  // namespace tern::app
