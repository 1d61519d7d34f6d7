// SPDX-License-Identifier: BSD-3-Clause
// The result, for people and for programs.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "ternload/report.hpp"

namespace tern::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

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
  EXPECT_THAT(summarize(Options{}, some_result()), HasSubstr("errors       refused 3\n"));
  Result fine = some_result();
  fine.measured.errors = {};
  EXPECT_THAT(summarize(Options{}, fine), HasSubstr("errors       none\n"));
  EXPECT_THAT(summarize(Options{}, fine), HasSubstr("4.000 Gbit/s in"));
}

TEST(Report, SummarySaysWhichRateWasNotReached) {
  Options options;
  options.rate = 1'000;
  Result result = some_result();
  result.measured.connections_begun = 1'200;
  result.measured.overdue = 800;
  EXPECT_THAT(summarize(options, result), HasSubstr("600/s of the 1000/s asked for; 800 are overdue"));
  EXPECT_EQ(nlohmann::json::parse(to_json(options, result))["overdue"], 800);
  result.measured.overdue = 10;  // what a hundredth of a second brings
  EXPECT_THAT(summarize(options, result), Not(HasSubstr("asked for")));
}

TEST(Report, SaysHowMuchOfItsCoreTernloadNeeded) {
  Result result = some_result();
  result.measured.busy_ns = 500'000'000;
  EXPECT_THAT(summarize(Options{}, result), HasSubstr("25 % of its time busy"));
  EXPECT_EQ(nlohmann::json::parse(to_json(Options{}, result))["counts"]["busy_ns"], 500'000'000);
}

TEST(Report, SuccessIsWorkDoneWithoutAnError) {
  Options options;
  Result result = some_result();
  EXPECT_FALSE(succeeded(options, result)) << "refused";
  result.measured.errors = {};
  EXPECT_TRUE(succeeded(options, result));
  result.measured.responses = 0;
  EXPECT_FALSE(succeeded(options, result));
  options.mode = Mode::kThroughput;
  EXPECT_TRUE(succeeded(options, result)) << "text without requests";
  options.mode = Mode::kFlood;
  EXPECT_FALSE(succeeded(options, result));
  result.measured.flood_syns = 1;
  EXPECT_TRUE(succeeded(options, result));
}

}  // namespace
}  // namespace tern::load
