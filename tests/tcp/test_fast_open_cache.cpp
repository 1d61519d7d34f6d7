// SPDX-License-Identifier: BSD-3-Clause
// What a client remembers of servers. RFC 7413 section 4.1.3.
#include <gtest/gtest.h>

#include <array>

#include "net/address.hpp"
#include "tcp/fast_open.hpp"

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;
using Form = FastOpenOption::Form;

constexpr net::FourTuple kTuple{{0x0a000001}, {0x0a000002}, 40'000, 80};
const FastOpenServer kServer = kTuple.server_name();
constexpr net::Instant kStart{1'000'000'000'000};

FastOpenOption cookie(uint8_t first, Form form = Form::kStandard) {
  FastOpenOption option;
  option.form = form;
  option.length = 8;
  option.cookie = {first};
  return option;
}

FastOpenOption absent() { return {}; }

class FastOpenCacheTest : public testing::Test {
 protected:
  FastOpenCache::Offer offer(net::Duration after = 0s) { return cache_.offer(kServer, kStart + after); }
  void learn(const FastOpenAnswer& answer, net::Duration after = 0s) {
    cache_.learn(kServer, answer, kStart + after);
  }
  FastOpenCache cache_{8};
};

TEST_F(FastOpenCacheTest, AsksAServerThatIsNotKnown) {
  EXPECT_EQ(offer().option.form, Form::kStandard);
  EXPECT_EQ(offer().option.length, 0);
  EXPECT_EQ(offer().mss, 0);
}

TEST_F(FastOpenCacheTest, OffersTheLastCookieAndMss) {
  learn({.mss = 1400, .option = cookie(1)});
  learn({.mss = 1300, .option = cookie(2, Form::kExperimental), .text_sent = 5, .text_acked = 5});
  EXPECT_EQ(offer().option.form, Form::kExperimental);
  EXPECT_EQ(offer().option.cookie[0], 2);
  EXPECT_EQ(offer().mss, 1300);
  learn({.mss = 0, .option = absent(), .text_sent = 5, .text_acked = 5});
  EXPECT_EQ(offer().option.cookie[0], 2) << "no new cookie: the old one is good";
  EXPECT_EQ(offer().mss, 1300);
}

TEST_F(FastOpenCacheTest, PortsAndAddressesAreServersOfTheirOwn) {
  learn({.mss = 1400, .option = cookie(1)});
  const auto cookie_length = [this](const net::FourTuple& tuple) {
    return cache_.offer(tuple.server_name(), kStart).option.length;
  };
  net::FourTuple other = kTuple;
  other.local_port += 1;
  EXPECT_EQ(cookie_length(other), 8) << "the client's port is no part of it";
  other = kTuple;
  other.remote_port += 1;
  EXPECT_EQ(cookie_length(other), 0);
  other = kTuple;
  other.local.value += 1;
  EXPECT_EQ(cookie_length(other), 0);
  other = kTuple;
  other.remote.value += 1;
  EXPECT_EQ(cookie_length(other), 0);
}

TEST_F(FastOpenCacheTest, RefusedTextTurnsItOffForAWhile) {
  learn({.mss = 1400, .option = cookie(1)});
  learn({.mss = 1400, .option = absent(), .text_sent = 100, .text_acked = 0});
  EXPECT_FALSE(offer(14min).option.present());
  EXPECT_TRUE(offer(15min).option.present());
  EXPECT_EQ(offer(15min).option.length, 0) << "the cookie was no good";
}

TEST_F(FastOpenCacheTest, TextRefusedWithANewCookieIsNoRefusal) {
  learn({.mss = 1400, .option = cookie(1)});
  learn({.mss = 1400, .option = cookie(2), .text_sent = 100, .text_acked = 0});
  EXPECT_EQ(offer().option.cookie[0], 2);
}

TEST_F(FastOpenCacheTest, TextTakenInPartKeepsTheCookie) {
  learn({.mss = 1400, .option = cookie(1)});
  learn({.mss = 1400, .option = absent(), .text_sent = 100, .text_acked = 1});
  EXPECT_EQ(offer().option.cookie[0], 1);
}

TEST_F(FastOpenCacheTest, MalformedCookieIsARefusalUnlessTextWasTaken) {
  FastOpenOption malformed;
  malformed.form = Form::kMalformed;
  learn({.mss = 1400, .option = malformed});
  EXPECT_FALSE(offer().option.present());
  cache_.clear();
  learn({.mss = 1400, .option = cookie(1)});
  learn({.mss = 1400, .option = malformed, .text_sent = 100, .text_acked = 100});
  EXPECT_EQ(offer().option.cookie[0], 1);
}

TEST_F(FastOpenCacheTest, SecondLossInARowTurnsItOffTheLongerTheMoreFollow) {
  learn({.mss = 1400, .option = cookie(1)});
  const FastOpenAnswer lost{.mss = 1400, .option = absent(), .text_sent = 100, .sent_again = true};
  learn(lost);
  EXPECT_EQ(offer().option.cookie[0], 1) << "once may be congestion";
  learn(lost);
  EXPECT_FALSE(offer(3min).option.present());
  EXPECT_TRUE(offer(4min).option.present());
  learn(lost, 4min);
  EXPECT_FALSE(offer(11min).option.present());
  EXPECT_TRUE(offer(12min).option.present());
  for (int i = 0; i < 20; ++i) learn(lost, 12min);
  EXPECT_FALSE(offer(12min + 63min).option.present());
  EXPECT_TRUE(offer(12min + 64min).option.present());
  learn({.mss = 1400, .option = absent(), .text_sent = 100, .text_acked = 100}, 80min);
  learn(lost, 81min);
  EXPECT_TRUE(offer(81min).option.present()) << "a success ends the row";
}

TEST_F(FastOpenCacheTest, NoAnswerAtAllTurnsItOffAtOnce) {
  learn({.mss = 1400, .option = cookie(1)});
  cache_.note_failure(kServer, kStart);
  EXPECT_FALSE(offer(14min).option.present());
  EXPECT_EQ(offer(15min).option.cookie[0], 1);
}

TEST_F(FastOpenCacheTest, ASilentServerIsAskedOnceInTheExperimentalForm) {
  learn({.mss = 1400, .option = absent()});
  EXPECT_EQ(offer().option.form, Form::kExperimental);
  learn({.mss = 1400, .option = absent()});
  EXPECT_EQ(offer().option.form, Form::kStandard);
  learn({.mss = 1400, .option = absent()});
  EXPECT_EQ(offer().option.form, Form::kStandard);
}

TEST_F(FastOpenCacheTest, LeastRecentlyUsedMakesRoom) {
  FastOpenCache small(4);  // one set
  const auto server = [](uint16_t port) { return net::FourTuple{{1}, {2}, 0, port}.server_name(); };
  for (uint16_t port = 1; port <= 4; ++port) {
    small.learn(server(port), {.mss = 1400, .option = cookie(static_cast<uint8_t>(port))},
                kStart + port * 1s);
  }
  small.learn(server(1), {.mss = 1400, .option = cookie(9)}, kStart + 5s);
  small.learn(server(5), {.mss = 1400, .option = cookie(5)}, kStart + 6s);
  EXPECT_EQ(small.offer(server(2), kStart + 7s).option.length, 0);
  for (const uint16_t port : std::array<uint16_t, 4>{1, 3, 4, 5}) {
    EXPECT_EQ(small.offer(server(port), kStart + 7s).option.length, 8) << port;
  }
}

TEST_F(FastOpenCacheTest, WithoutRoomFastOpenIsNotTried) {
  FastOpenCache none(0);
  none.learn(kServer, {.mss = 1400, .option = cookie(1)}, kStart);
  none.note_failure(kServer, kStart);
  EXPECT_FALSE(none.offer(kServer, kStart).option.present());
}

}  // namespace
}  // namespace tern::tcp
