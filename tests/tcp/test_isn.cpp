// SPDX-License-Identifier: BSD-3-Clause
// Initial sequence numbers. RFC 6528.
#include "tcp/isn.hpp"

#include <gtest/gtest.h>

#include <set>

#include "net/address.hpp"

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;

constexpr net::PrfKey kSecret{1, 2, 3};
constexpr net::FourTuple kTuple{{0xc0000201}, {0xc6336401}, 40000, 80};

TEST(Isn, GrowsByOneEveryFourMicrosecondsForTheSameTuple) {
  const net::Prf prf(kSecret);
  const net::Instant start{123'456'000};
  const Seq first = begin(prf, kTuple.name(), start).iss;
  EXPECT_EQ(begin(prf, kTuple.name(), start + 3999ns).iss, first);
  EXPECT_EQ(begin(prf, kTuple.name(), start + 4us).iss, first + 1);
  EXPECT_EQ(begin(prf, kTuple.name(), start + 1s).iss, first + 250'000);
  EXPECT_EQ(begin(prf, kTuple.name(), start + 4us * (int64_t{1} << 32)).iss, first)
      << "in 4.77 hours it is round";
}

TEST(Isn, TimestampsOfATuplesNextConnectionAreLaterOnes) {  // RFC 6191
  const net::Prf prf(kSecret);
  const net::FourTuple other{kTuple.local, kTuple.remote, 40001, kTuple.remote_port};
  EXPECT_EQ(begin(prf, kTuple.name(), {}).ts_offset,
            begin(prf, kTuple.name(), net::Instant{} + 1s).ts_offset);
  EXPECT_NE(begin(prf, kTuple.name(), {}).ts_offset, begin(prf, other.name(), {}).ts_offset);
}

TEST(Isn, DependsOnEachPartOfTheTupleAndOnTheSecret) {
  std::set<uint32_t> seen;
  auto add = [&](const net::PrfKey& secret, const net::FourTuple& tuple) {
    seen.insert(begin(net::Prf(secret), tuple.name(), {}).iss.value);
  };
  add(kSecret, kTuple);
  add({1, 2, 4}, kTuple);
  add(kSecret, {{0xc0000202}, kTuple.remote, kTuple.local_port, kTuple.remote_port});
  add(kSecret, {kTuple.local, {0xc6336402}, kTuple.local_port, kTuple.remote_port});
  add(kSecret, {kTuple.local, kTuple.remote, 40001, kTuple.remote_port});
  add(kSecret, {kTuple.local, kTuple.remote, kTuple.local_port, 81});
  EXPECT_EQ(seen.size(), 6u);
}

}  // namespace
}  // namespace tern::tcp
