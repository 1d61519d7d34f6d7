// SPDX-License-Identifier: BSD-3-Clause
// The health of one backend, check by check and failure by failure.
#include "lb/health.hpp"

#include <gtest/gtest.h>

namespace tern::lb {
namespace {

using namespace std::chrono_literals;
constexpr net::Instant kStart{1'000'000'000};

HealthConfig checked(uint32_t rise, uint32_t fall) {
  HealthConfig config;
  config.rise = rise;
  config.fall = fall;
  return config;
}

TEST(Health, IsNotUsedBeforeTheFirstCheckHasPassed) {
  Health health(checked(3, 3));
  EXPECT_FALSE(health.up());
  EXPECT_STREQ(to_string(health.last()), "UNK");
  health.on_check(CheckStatus::kL4Con);
  EXPECT_FALSE(health.up());
  health.on_check(CheckStatus::kL4Ok);
  EXPECT_TRUE(health.up());
  EXPECT_STREQ(to_string(health.last()), "L4OK");
}

TEST(Health, IsUsedAtOnceWhereToldSo) {
  HealthConfig config = checked(2, 3);
  config.initially_up = true;
  Health health(config);
  EXPECT_TRUE(health.up());
  health.on_check(CheckStatus::kL7Sts);
  EXPECT_FALSE(health.up());  // the first check decides
}

TEST(Health, IsUpWhereNothingChecks) {
  HealthConfig config;
  config.interval = 0s;
  EXPECT_TRUE(Health(config).up());
}

TEST(Health, FallsAfterFailuresInARow) {
  Health health(checked(2, 3));
  health.on_check(CheckStatus::kL4Ok);
  health.on_check(CheckStatus::kL4Tout);
  health.on_check(CheckStatus::kL4Tout);
  health.on_check(CheckStatus::kL4Ok);
  health.on_check(CheckStatus::kL4Tout);
  health.on_check(CheckStatus::kL4Tout);
  EXPECT_TRUE(health.up());
  health.on_check(CheckStatus::kL4Tout);
  EXPECT_FALSE(health.up());
}

TEST(Health, RisesAfterSuccessesInARow) {
  Health health(checked(2, 1));
  health.on_check(CheckStatus::kL7Ok);
  health.on_check(CheckStatus::kL7Sts);
  EXPECT_FALSE(health.up());
  health.on_check(CheckStatus::kL7Ok);
  health.on_check(CheckStatus::kL7Sts);
  health.on_check(CheckStatus::kL7Ok);
  EXPECT_FALSE(health.up());
  health.on_check(CheckStatus::kL7Ok);
  EXPECT_TRUE(health.up());
}

// Any order of results agrees with counting them.
TEST(Health, FollowsItsDefinition) {
  for (uint32_t bits = 0; bits < 1u << 12; ++bits) {
    Health health(checked(2, 3));
    bool up = false, ever = false;
    uint32_t row = 0;
    for (int i = 0; i < 12; ++i) {
      const bool pass = (bits >> i & 1) != 0;
      health.on_check(pass ? CheckStatus::kL4Ok : CheckStatus::kL4Con);
      row = pass == up ? 0 : row + 1;
      if (row >= (up ? 3u : ever ? 2u : 1u)) up = !up, row = 0;
      ever = ever || pass;
      ASSERT_EQ(health.up(), up) << bits << " at " << i;
    }
  }
}

HealthConfig passive() {
  HealthConfig config;
  config.interval = 0s;
  config.failures = 3;
  config.ejection = 1s;
  config.ejection_most = 5s;
  return config;
}

TEST(Health, EjectsAfterFailuresInARow) {
  Health health(passive());
  EXPECT_FALSE(health.on_failure(kStart));
  EXPECT_FALSE(health.on_failure(kStart));
  health.on_success();
  EXPECT_FALSE(health.on_failure(kStart));
  EXPECT_FALSE(health.on_failure(kStart));
  EXPECT_TRUE(health.on_failure(kStart));
  EXPECT_FALSE(health.up());
  EXPECT_FALSE(health.advance(kStart + 999ms));
  EXPECT_TRUE(health.advance(kStart + 1s));
  EXPECT_TRUE(health.up());
}

// One failure more and it is out for twice as long, up to the limit; a success forgives it all.
TEST(Health, BacksOff) {
  Health health(passive());
  net::Instant now = kStart;
  for (int i = 0; i < 3; ++i) health.on_failure(now);
  for (const net::Duration expected : {1s, 2s, 4s, 5s, 5s}) {
    EXPECT_EQ(health.ejected_until(), now + expected);
    now = now + expected;
    EXPECT_TRUE(health.advance(now));
    EXPECT_TRUE(health.on_failure(now));
  }
  now = health.ejected_until();
  health.advance(now);
  health.on_success();
  EXPECT_FALSE(health.on_failure(now));
  EXPECT_FALSE(health.on_failure(now));
  EXPECT_TRUE(health.on_failure(now));
  EXPECT_EQ(health.ejected_until(), now + 1s);
}

TEST(Health, IsNotCountedTwiceWhileItIsOut) {
  Health health(passive());
  for (int i = 0; i < 3; ++i) health.on_failure(kStart);
  EXPECT_FALSE(health.on_failure(kStart + 500ms));
  EXPECT_EQ(health.ejected_until(), kStart + 1s);
  health.on_success();  // of a connection that was open before
  EXPECT_FALSE(health.up());
}

TEST(Health, EjectsNobodyWhereThatIsOff) {
  HealthConfig config = passive();
  config.failures = 0;
  Health health(config);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(health.on_failure(kStart));
  EXPECT_TRUE(health.up());
}

TEST(Health, NamesResultsAsHaproxyDoes) {
  const std::vector<std::pair<CheckStatus, const char*>> names{
      {CheckStatus::kL4Ok, "L4OK"},   {CheckStatus::kL4Tout, "L4TOUT"}, {CheckStatus::kL4Con, "L4CON"},
      {CheckStatus::kL7Ok, "L7OK"},   {CheckStatus::kL7Tout, "L7TOUT"}, {CheckStatus::kL7Rsp, "L7RSP"},
      {CheckStatus::kL7Sts, "L7STS"}, {CheckStatus::kUnknown, "UNK"}};
  for (const auto& [status, name] : names) EXPECT_STREQ(to_string(status), name);
}

}  // namespace
}  // namespace tern::lb
