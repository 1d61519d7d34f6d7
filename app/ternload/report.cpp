// SPDX-License-Identifier: BSD-3-Clause
// What a run came to.
#include "ternload/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tern::load {

namespace {

using Json = nlohmann::ordered_json;

double seconds(net::Duration duration) { return static_cast<double>(duration.count()) / 1e9; }

double rate(uint64_t count, const Result& result) {
  const double time = seconds(result.took);
  return time > 0 ? static_cast<double>(count) / time : 0;
}

double microseconds(uint64_t ns) { return static_cast<double>(ns) / 1e3; }

constexpr std::pair<const char*, double> kPercentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}};

std::string line_of(const char* name, const Distribution& times) {
  std::string line = fmt::format("{:<12}", name);
  for (const auto& [key, percent] : kPercentiles) {
    line += fmt::format(" {:g}% {:.1f}", percent, microseconds(times.percentile(percent)));
  }
  return line +
         fmt::format(" max {:.1f} mean {:.1f} us\n", microseconds(times.highest()), times.mean() / 1e3);
}

Json json_of(const Distribution& times) {
  Json json;
  json["count"] = times.count();
  json["min"] = microseconds(times.lowest());
  json["mean"] = times.mean() / 1e3;
  json["deviation"] = times.deviation() / 1e3;
  for (const auto& [key, percent] : kPercentiles) json[key] = microseconds(times.percentile(percent));
  json["max"] = microseconds(times.highest());
  return json;
}

Json json_of(const Sample& sample) {
  Json json;
  json["seconds"] = sample.seconds;
  json["measured"] = sample.measured;
  json["responses_per_second"] = sample.responses_per_second;
  json["connections_per_second"] = sample.connections_per_second;
  json["bits_per_second_in"] = sample.bits_per_second_in;
  json["bits_per_second_out"] = sample.bits_per_second_out;
  json["connections"] = sample.connections;
  json["in_flight"] = sample.in_flight;
  json["errors"] = sample.errors;
  json["p50_us"] = sample.p50_us;
  json["p99_us"] = sample.p99_us;
  json["p99_9_us"] = sample.p99_9_us;
  return json;
}

// Where an open loop came to less than it was asked for: what is overdue at the end is more than a hundredth
// of a second's worth.
std::string shortfall(const Options& options, const Snapshot& all, const Result& result) {
  if (options.rate == 0 || static_cast<double>(all.overdue) * 100 <= options.rate) return {};
  const uint64_t begun = options.mode == Mode::kConnections ? all.connections_begun : all.requests_sent;
  return fmt::format(
      "{:<12} {:.0f}/s of the {:.0f}/s asked for; {} are overdue at the end, and latency holds their wait\n",
      "rate", rate(begun, result), options.rate, all.overdue);
}

}  // namespace

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::kConnections:
      return "connections";
    case Mode::kRequests:
      return "requests";
    case Mode::kConcurrent:
      return "concurrent";
    case Mode::kThroughput:
      return "throughput";
    case Mode::kMixed:
      return "mixed";
    case Mode::kFlood:
      return "flood";
  }
  return "";
}

bool succeeded(const Options& options, const Result& result) {
  const Snapshot& all = result.measured;
  if (all.error_sum() != 0) return false;
  switch (options.mode) {
    case Mode::kThroughput:
      return all.bytes_received + all.bytes_sent != 0;
    case Mode::kFlood:
      return all.flood_syns != 0;
    default:
      return all.responses != 0;
  }
}

std::string summarize(const Options& options, const Result& result) {
  const Snapshot& all = result.measured;
  std::string text = fmt::format(
      "{:<12} {:.0f}/s finished, {:.0f}/s opened; {} finished in {:.2f} s\n"
      "{:<12} {:.0f}/s, {} in all\n"
      "{:<12} {:.3f} Gbit/s in, {:.3f} Gbit/s out\n",
      "connections", rate(all.connections_finished, result), rate(all.connections_opened, result),
      all.connections_finished, seconds(result.took), "responses", rate(all.responses, result), all.responses,
      "text", rate(all.bytes_received, result) * 8 / 1e9, rate(all.bytes_sent, result) * 8 / 1e9);
  text += shortfall(options, all, result);
  if (all.flood_syns != 0) {
    text += fmt::format("{:<12} {:.0f} SYNs/s, {} in all\n", "flood", rate(all.flood_syns, result),
                        all.flood_syns);
  }
  if (all.latency.count() != 0) text += line_of("latency", all.latency);
  if (all.connect.count() != 0) text += line_of("connect", all.connect);
  text +=
      fmt::format("{:<12} {:.0f} % of its time busy\n", "ternload", 100 * rate(all.busy_ns, result) / 1e9);
  text += fmt::format("{:<12}", "errors");
  for (size_t i = 0; i < kErrors; ++i) {
    if (all.errors[i] != 0) text += fmt::format(" {} {}", kErrorNames[i], all.errors[i]);
  }
  return text + (all.error_sum() == 0 ? " none\n" : "\n");
}

std::string to_json(const Options& options, const Result& result) {
  const Snapshot& all = result.measured;
  Json json;
  json["mode"] = name_of(options.mode);
  json["seconds"] = seconds(result.took);
  json["interrupted"] = result.interrupted;
  Json rates;
  Json counts;
#define TERN_PUT(name)                   \
  rates[#name] = rate(all.name, result); \
  counts[#name] = all.name;
  TERN_LOAD_COUNTS(TERN_PUT)
#undef TERN_PUT
  json["per_second"] = std::move(rates);
  json["counts"] = std::move(counts);
  json["latency_us"] = json_of(all.latency);
  json["connect_us"] = json_of(all.connect);
  Json errors;
  for (size_t i = 0; i < kErrors; ++i) errors[kErrorNames[i]] = all.errors[i];
  json["errors"] = std::move(errors);
  json["connections"] = all.connections;
  json["in_flight"] = all.in_flight;
  json["overdue"] = all.overdue;
  Json tcp;
  for (const auto& [name, value] : result.tcp) tcp[name] = value;
  json["tcp"] = std::move(tcp);
  Json samples = Json::array();
  for (const Sample& sample : result.samples) samples.push_back(json_of(sample));
  json["samples"] = std::move(samples);
  return json.dump(2) + "\n";
}

}  // namespace tern::load
