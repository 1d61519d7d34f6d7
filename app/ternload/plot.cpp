// SPDX-License-Identifier: BSD-3-Clause
// A drawing of rate and percentiles over time, as SVG.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ternload/sample.hpp"

namespace tern::load {

namespace {

constexpr double kWidth = 860, kHeight = 560;
constexpr double kLeft = 90, kRight = 20, kTop = 50, kBetween = 60, kBottom = 50;
constexpr double kPanel = (kHeight - kTop - kBetween - kBottom) / 2;

struct Curve {
  const char* name;
  const char* color;
  double Sample::*value;
};

// The next of 1, 2, 5, 10, 20, 50, ... that is not less.
double round_up(double value) {
  if (value <= 0) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

std::string text(double x, double y, const char* anchor, const std::string& words) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, words);
}

// One panel: axes from 0, and the curves with their names.
std::string panel(const std::vector<Sample>& samples, double top, double most_seconds, const char* title,
                  const std::vector<Curve>& curves) {
  double most = 0;
  for (const Curve& curve : curves) {
    for (const Sample& sample : samples) most = std::max(most, sample.*curve.value);
  }
  most = round_up(most);
  const double width = kWidth - kLeft - kRight;
  const auto x = [&](double seconds) { return kLeft + width * seconds / most_seconds; };
  const auto y = [&](double value) { return top + kPanel * (1 - value / most); };
  std::string svg;
  for (int i = 0; i <= 4; ++i) {
    const double value = most * i / 4;
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}\" stroke=\"#ddd\"/>\n", kLeft, y(value), width);
    svg += text(kLeft - 8, y(value) + 4, "end", fmt::format("{:g}", value));
  }
  for (int i = 0; i <= 5; ++i) {
    const double seconds = most_seconds * i / 5;
    svg += text(x(seconds), top + kPanel + 18, "middle", fmt::format("{:g} s", seconds));
  }
  svg += text(kLeft, top - 10, "start", title);
  double name_at = kWidth - kRight;
  for (const Curve& curve : curves) {
    std::string path;
    for (const Sample& sample : samples) {
      path +=
          fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(sample.seconds), y(sample.*curve.value));
    }
    svg +=
        fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n", path, curve.color);
    svg += fmt::format("<g fill=\"{}\">{}</g>\n", curve.color, text(name_at, top - 10, "end", curve.name));
    name_at -= 70;
  }
  return svg;
}

}  // namespace

std::string to_svg(const Options& options, const std::vector<Sample>& samples) {
  const double most_seconds = samples.empty() ? 1 : samples.back().seconds;
  std::vector<Curve> rates{{"responses", "#06c", &Sample::responses_per_second}};
  const char* title = "per second";
  if (options.mode == Mode::kConnections) {
    rates = {{"connections", "#06c", &Sample::connections_per_second}};
  } else if (options.mode == Mode::kThroughput) {
    rates = {{"in", "#06c", &Sample::bits_per_second_in}, {"out", "#c60", &Sample::bits_per_second_out}};
    title = "bit/s";
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      kWidth, kHeight);
  svg += fmt::format("<g font-size=\"15\">{}</g>\n",
                     text(kWidth / 2, 22, "middle", fmt::format("ternload {}", name_of(options.mode))));
  svg += panel(samples, kTop, most_seconds, title, rates);
  svg += panel(samples, kTop + kPanel + kBetween, most_seconds, "latency, microseconds",
               {{"99.9 %", "#c00", &Sample::p99_9_us},
                {"99 %", "#c60", &Sample::p99_us},
                {"50 %", "#06c", &Sample::p50_us}});
  return svg + "</svg>\n";
}

}  // namespace tern::load
