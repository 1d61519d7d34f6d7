// SPDX-License-Identifier: BSD-3-Clause
// The result, for people and for programs.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "ternload/report.hpp"

namespace tern::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Result some_result() {
  Result result;
  result.took = 2s;
  result.measured.responses = 1000;
  result.measured.connections_finished = 500;
  result.measured.bytes_received = 1'000'000'000;
  result.measured.errors[static_cast<size_t>(Error::refused)] = 3;
  for (int i = 0; i < 1000; ++i) result.measured.latency.add(20'000);
  return result;
}

TEST(Report, JsonHasRatesCountsTimesAndErrors) {
  const auto json = nlohmann::json::parse(to_json(Options{}, some_result()));
  EXPECT_EQ(json["mode"], "connections");
  EXPECT_EQ(json["seconds"], 2.0);
  EXPECT_EQ(json["per_second"]["responses"], 500.0);
  EXPECT_EQ(json["counts"]["responses"], 1000);
  EXPECT_EQ(json["latency_us"]["count"], 1000);
  EXPECT_NEAR(json["latency_us"]["p50"].get<double>(), 20, 0.02);
  EXPECT_EQ(json["connect_us"]["count"], 0);
  EXPECT_EQ(json["errors"]["refused"], 3);
  EXPECT_EQ(json["errors"]["reset"], 0);
}

TEST(Report, SummaryNamesTheErrorsThatThereWere) {
  EXPECT_THAT(summarize(some_result()), HasSubstr("errors       refused 3\n"));
  Result fine = some_result();
  fine.measured.errors = {};
  EXPECT_THAT(summarize(fine), HasSubstr("errors       none\n"));
  EXPECT_THAT(summarize(fine), HasSubstr("4.000 Gbit/s in"));
}

}  // namespace
}  // namespace tern::load
