// SPDX-License-Identifier: BSD-3-Clause
// What a listener makes of a SYN: cookies, keys and the bound on pending requests. RFC 7413 sections 4.1.2,
// 4.2.2 and 5.1.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "tcp/connection.hpp"
#include "tcp/listener.hpp"

namespace tern::tcp {
namespace {

using namespace std::chrono_literals;
using Check = FastOpenCookies::Check;
using Form = FastOpenOption::Form;

constexpr net::PrfKey kSecret{1, 2, 3};
constexpr net::FourTuple kTuple{{0xc0a80002}, {0x0af80002}, 80, 40'000};

std::vector<uint8_t> bytes_of(const FastOpenOption& option) {
  return {option.bytes().begin(), option.bytes().end()};
}

// Linux's cookie for net.ipv4.tcp_fastopen_key = a0bf63f7-ed803d81-cd641d30-cebc4a90, whose four numbers lie
// in the key with the lowest byte first.
TEST(FastOpenCookies, AreThoseOfLinuxForTheSameKey) {
  constexpr net::PrfKey kKey{0xf7, 0x63, 0xbf, 0xa0, 0x81, 0x3d, 0x80, 0xed,
                             0x30, 0x1d, 0x64, 0xcd, 0x90, 0x4a, 0xbc, 0xce};
  FastOpenCookies cookies(kSecret, net::Instant{});
  cookies.set_key(kKey, std::nullopt);
  const FastOpenOption cookie = cookies.make(kTuple.addresses(), Form::kStandard);
  EXPECT_EQ(bytes_of(cookie), (std::vector<uint8_t>{0x00, 0xab, 0xaa, 0xab, 0xe8, 0xe9, 0x54, 0xc2}));
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kValid);

  // From 2001:db8::2 to 2001:db8::1.
  constexpr std::array<uint8_t, 32> kIpv6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
                                          0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(bytes_of(cookies.make(kIpv6, Form::kStandard)),
            (std::vector<uint8_t>{0x79, 0x39, 0x58, 0x06, 0x23, 0x47, 0x08, 0x8d}));
}

TEST(FastOpenCookies, AreGoodForOneClientAndServerWhateverTheirPorts) {
  const FastOpenCookies cookies(kSecret, net::Instant{});
  const FastOpenOption cookie = cookies.make(kTuple.addresses(), Form::kExperimental);
  EXPECT_EQ(cookie.form, Form::kExperimental);
  net::FourTuple other = kTuple;
  other.local_port = 443;
  other.remote_port = 1;
  EXPECT_EQ(cookies.check(other.addresses(), cookie), Check::kValid);
  other.remote.value += 1;
  EXPECT_EQ(cookies.check(other.addresses(), cookie), Check::kInvalid);
  other = kTuple;
  other.local.value += 1;
  EXPECT_EQ(cookies.check(other.addresses(), cookie), Check::kInvalid);
  EXPECT_EQ(FastOpenCookies({1, 2, 4}, net::Instant{}).check(kTuple.addresses(), cookie), Check::kInvalid);
}

TEST(FastOpenCookies, NothingButAllOfACookieIsValid) {
  const FastOpenCookies cookies(kSecret, net::Instant{});
  const FastOpenOption cookie = cookies.make(kTuple.addresses(), Form::kStandard);
  for (size_t bit = 0; bit < 64; ++bit) {
    FastOpenOption forged = cookie;
    forged.cookie[bit / 8] = static_cast<uint8_t>(forged.cookie[bit / 8] ^ 1u << bit % 8);
    EXPECT_EQ(cookies.check(kTuple.addresses(), forged), Check::kInvalid) << bit;
  }
  for (const uint8_t length : std::array<uint8_t, 5>{0, 4, 6, 10, 16}) {
    FastOpenOption other = cookie;
    other.length = length;
    EXPECT_EQ(cookies.check(kTuple.addresses(), other), Check::kInvalid) << int{length};
  }
  FastOpenOption absent = cookie;
  absent.form = Form::kMalformed;
  EXPECT_EQ(cookies.check(kTuple.addresses(), absent), Check::kInvalid);
}

TEST(FastOpenCookies, ExpireWithTheirEpochs) {
  FastOpenCookies cookies(kSecret, net::Instant{});
  const FastOpenOption cookie = cookies.make(kTuple.addresses(), Form::kStandard);
  cookies.advance(net::Instant{} + FastOpenCookies::kEpoch - 1s);
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kValid);
  cookies.advance(net::Instant{} + FastOpenCookies::kEpoch);
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kAged);
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookies.make(kTuple.addresses(), Form::kStandard)),
            Check::kValid);
  cookies.advance(net::Instant{} + 2 * FastOpenCookies::kEpoch);
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kInvalid);
}

TEST(FastOpenCookies, AWorkerThatSleptThroughEpochsHasTheSameKeysAsOneThatDidNot) {
  FastOpenCookies awake(kSecret, net::Instant{});
  FastOpenCookies asleep(kSecret, net::Instant{});
  for (int epoch = 1; epoch <= 3; ++epoch) awake.advance(net::Instant{} + epoch * FastOpenCookies::kEpoch);
  asleep.advance(net::Instant{} + 3 * FastOpenCookies::kEpoch);
  EXPECT_EQ(asleep.check(kTuple.addresses(), awake.make(kTuple.addresses(), Form::kStandard)), Check::kValid);
}

TEST(FastOpenCookies, AKeyOfTheOperatorsStaysUntilHeRotatesIt) {
  FastOpenCookies cookies(kSecret, net::Instant{});
  cookies.set_key({5}, std::nullopt);
  const FastOpenOption cookie = cookies.make(kTuple.addresses(), Form::kStandard);
  cookies.advance(net::Instant{} + 5 * FastOpenCookies::kEpoch);
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kValid);
  cookies.set_key({6}, net::PrfKey{5});
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kAged);
  cookies.set_key({7}, net::PrfKey{6});
  EXPECT_EQ(cookies.check(kTuple.addresses(), cookie), Check::kInvalid);
}

TEST(FastOpenPending, CountsWhatThePeerResetForAnotherMinute) {
  FastOpenPending pending;
  EXPECT_TRUE(pending.admits(2, net::Instant{}));
  pending.begin();
  pending.begin();
  EXPECT_FALSE(pending.admits(2, net::Instant{}));
  pending.end();
  EXPECT_TRUE(pending.admits(2, net::Instant{}));
  pending.note_reset(net::Instant{} + 59s);
  pending.end();
  pending.note_reset(net::Instant{} + 61s);
  EXPECT_FALSE(pending.admits(2, net::Instant{} + 119s));
  EXPECT_TRUE(pending.admits(2, net::Instant{} + 120s));
  EXPECT_FALSE(pending.admits(1, net::Instant{} + 120s));
  EXPECT_TRUE(pending.admits(1, net::Instant{} + 180s));
  pending.note_reset(net::Instant{} + 181s);
  EXPECT_TRUE(pending.admits(1, net::Instant{} + 600s));
}

class FastOpenListener : public testing::Test {
 protected:
  FastOpenListener() : connections_(1), cookies_(kSecret, net::Instant{}) {
    config_.fast_open_listen = FastOpen::kOn;
    config_.fast_open_pending = 2;
    limits_.extras = 1;
    limits_.reassemblies = limits_.recoveries = limits_.congestions = 1;
    remake();
  }
  void remake() { core_.emplace(connections_, std::span(&config_, 1), limits_, net::Instant{}); }
  Listener::FastOpenDecision decide(const FastOpenOption& option, uint32_t text = 100) {
    Segment syn;
    syn.flags = kSyn;
    syn.length = text;
    syn.fast_open = option;
    return Listener(0, config_).decide_fast_open(syn, kTuple.addresses(), cookies_, 0, *core_);
  }
  FastOpenOption valid() const { return cookies_.make(kTuple.addresses(), Form::kStandard); }
  FastOpenOption request(Form form = Form::kStandard) const {
    FastOpenOption option;
    option.form = form;
    return option;
  }

  Config config_;
  CoreLimits limits_;
  std::vector<Connection> connections_;
  std::optional<Core> core_;
  FastOpenCookies cookies_;
};

TEST_F(FastOpenListener, OpensForAValidCookieAndSaysNothingMore) {
  const auto decision = decide(valid());
  EXPECT_TRUE(decision.open);
  EXPECT_EQ(decision.answer.form, Form::kAbsent);
  EXPECT_EQ(core_->counters.fast_open_cookies_sent.value(), 0u);
  EXPECT_TRUE(decide(valid(), 0).open) << "text may follow";
}

TEST_F(FastOpenListener, GivesACookieToWhoAsksInTheFormOfTheAsking) {
  for (const Form form : {Form::kStandard, Form::kExperimental}) {
    const auto decision = decide(request(form));
    EXPECT_FALSE(decision.open);
    EXPECT_EQ(decision.answer.form, form);
    EXPECT_EQ(cookies_.check(kTuple.addresses(), decision.answer), Check::kValid);
  }
  EXPECT_EQ(core_->counters.fast_open_cookies_sent.value(), 2u);
  EXPECT_EQ(core_->counters.fast_open_cookies_invalid.value(), 0u);
}

TEST_F(FastOpenListener, AnswersAnInvalidCookieByANewOneAndOpensNothing) {
  FastOpenOption forged = valid();
  forged.cookie[0] ^= 1;
  const auto decision = decide(forged);
  EXPECT_FALSE(decision.open);
  EXPECT_EQ(bytes_of(decision.answer), bytes_of(valid()));
  EXPECT_EQ(core_->counters.fast_open_cookies_invalid.value(), 1u);
}

TEST_F(FastOpenListener, OpensForAnAgedCookieAndGivesANewOne) {
  const FastOpenOption aged = valid();
  cookies_.advance(net::Instant{} + FastOpenCookies::kEpoch);
  const auto decision = decide(aged);
  EXPECT_TRUE(decision.open);
  EXPECT_EQ(bytes_of(decision.answer), bytes_of(valid()));
}

TEST_F(FastOpenListener, IgnoresTheOptionWhereItIsOffOrMalformed) {
  EXPECT_EQ(Config{}.fast_open_listen, FastOpen::kOff);
  EXPECT_EQ(Config{}.fast_open_connect, FastOpen::kOff);
  FastOpenOption malformed = valid();
  malformed.form = Form::kMalformed;
  EXPECT_FALSE(decide(malformed).open);
  EXPECT_EQ(decide(malformed).answer.form, Form::kAbsent);
  EXPECT_FALSE(decide({}).open);
  config_.fast_open_listen = FastOpen::kOff;
  EXPECT_FALSE(decide(valid()).open);
  EXPECT_EQ(decide(request()).answer.form, Form::kAbsent);
}

TEST_F(FastOpenListener, OpensNothingBeyondItsBound) {
  core_->fast_opens[0].begin();
  EXPECT_TRUE(decide(valid()).open);
  core_->fast_opens[0].begin();
  EXPECT_FALSE(decide(valid()).open);
  EXPECT_EQ(core_->counters.fast_open_refused.value(), 1u);
  core_->fast_opens[0].end();
  EXPECT_TRUE(decide(valid()).open);
}

TEST_F(FastOpenListener, OpensNothingWithoutMemory) {
  const uint32_t slot = core_->extras.allocate();
  EXPECT_FALSE(decide(valid()).open);
  core_->extras.release(slot);
  EXPECT_TRUE(decide(valid()).open);
  core_->held_packets = limits_.held_packets;
  EXPECT_FALSE(decide(valid()).open);
  core_->held_packets = 0;
}

TEST_F(FastOpenListener, TakesAnybodysTextWhereCookiesAreNotWanted) {
  config_.fast_open_listen = FastOpen::kWithoutCookies;
  EXPECT_TRUE(decide({}).open);
  EXPECT_EQ(decide({}).answer.form, Form::kAbsent);
  EXPECT_FALSE(decide({}, 0).open) << "a SYN as any other";
  core_->fast_opens[0].begin();
  core_->fast_opens[0].begin();
  EXPECT_FALSE(decide({}).open);
}

TEST_F(FastOpenListener, ASynWithFinOrRstOpensNothing) {
  Segment syn;
  const Listener listener(0, config_);
  for (const Flag flag : {kFin, kRst}) {
    syn.flags = static_cast<uint8_t>(kSyn | flag);
    EXPECT_FALSE(listener.agree_on_fast_open(syn, Seq{1}, 0, core_->counters));
  }
  EXPECT_EQ(core_->counters.syns_malformed.value(), 2u);
  syn.flags = kSyn;
  EXPECT_TRUE(listener.agree_on_fast_open(syn, Seq{1}, 0, core_->counters));
  EXPECT_EQ(core_->counters.syns_queued.value(), 0u);
}

TEST_F(FastOpenListener, CookieStandsInASynCookiesAnswerToo) {
  Segment syn;
  syn.flags = kSyn;
  const SynCookies syn_cookies(kSecret, net::Instant{});
  const Listener listener(0, config_);
  const auto header = listener.answer_syn(syn, {}, syn_cookies, 0, core_->counters, valid());
  ASSERT_TRUE(header);
  const std::vector<uint8_t> written(header->options.begin(),
                                     header->options.begin() + header->option_length);
  const std::vector<uint8_t> cookie = bytes_of(valid());
  EXPECT_NE(std::search(written.begin(), written.end(), cookie.begin(), cookie.end()), written.end());
}

}  // namespace
}  // namespace tern::tcp
