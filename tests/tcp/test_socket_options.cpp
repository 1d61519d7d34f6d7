// SPDX-License-Identifier: BSD-3-Clause
// What a user chooses for one connection, and what it may ask of it: RFC 9293 sections 3.9.1 and 3.9.1.6.
#include "support/ladder.hpp"
#include "tcp/socket_options.hpp"

namespace tern::test {
namespace {

using namespace tcp;

class Options : public LadderTest {};

Error choose(Ladder& l, Option option, int64_t value) {
  Error error = Error::kNone;
  l.burst([&] { error = l.connection().set_option(option, value, l.core()); });
  return error;
}

TEST_P(Options, NagleIsTurnedOffForOneConnection) {  // MUST-17
  Ladder l(start());
  l.send(100);
  l.out(seq(1), text(100));
  l.send(50);
  l.silent();
  EXPECT_EQ(choose(l, Option::kNoDelay, 1), Error::kNone);
  l.out(seq(101), text(50));
  l.send(50);
  l.out(seq(151), text(50));
  EXPECT_EQ(choose(l, Option::kNoDelay, 0), Error::kNone);
  l.send(50);
  l.silent();
  l.in(ack(201)).out(seq(201), text(50));
}

TEST_P(Options, LimitOfRetransmissionsIsSetForOneConnection) {  // MUST-21
  Ladder l(start());
  EXPECT_EQ(choose(l, Option::kRetransmitLimit, 2), Error::kNone);
  l.send(500);
  l.out(text(500)).at(1s).out(text(500)).at(3s).out(text(500));
  l.at(7'010ms).gone(CloseReason::kTimedOut);
}

TEST_P(Options, SendBufferThatGrowsLetsTheServiceWrite) {
  Start s = start();
  s.config.send_buffer = 1000;
  Ladder l(s);
  EXPECT_TRUE(l.send(1000));
  EXPECT_FALSE(l.send(500));
  EXPECT_EQ(l.connection().send_error(l.core()), Error::kAgain);
  l.told();
  EXPECT_EQ(choose(l, Option::kSendBuffer, 5000), Error::kNone);
  EXPECT_EQ(l.told(), kMarkWritable);
  EXPECT_EQ(l.connection().send_room(l.core()), 4000u);
  l.ignore_output();
}

TEST_P(Options, ReceiveBufferThatGrowsIsAnnounced) {
  Ladder l(start());
  EXPECT_EQ(choose(l, Option::kReceiveBuffer, 20'000), Error::kNone);
  l.out(seq(1), ack(1), wnd(20'000));
}

TEST_P(Options, ReceiveBufferThatShrinksTakesNothingBack) {  // section 3.8.6.2.2: never to the left
  Ladder l(start());
  EXPECT_EQ(choose(l, Option::kReceiveBuffer, 2'000), Error::kNone);
  l.silent();
  l.in(seq(1), ack(1), text(1000)).in(seq(1001), ack(1), text(1000)).out(seq(1), ack(2001), wnd(8'000));
  EXPECT_EQ(l.tcb().rcv.wnd, 8'000u);
}

TEST_P(Options, OtherConnectionsAndTheServiceKeepTheirs) {
  Ladder l(start());
  EXPECT_EQ(choose(l, Option::kTimeToLive, 5), Error::kNone);
  EXPECT_EQ(choose(l, Option::kDscp, 46), Error::kNone);
  EXPECT_EQ(l.connection().option(Option::kTimeToLive, l.core()), 5);
  EXPECT_EQ(l.core().config(l.connection()).marking.dscp, 46);
  EXPECT_EQ(l.core().profile(0).marking, IpMarking{});
  EXPECT_EQ(l.core().service_of(l.connection()), 0u);
  EXPECT_EQ(l.core().extras.in_use(), 1u);
}

TEST_P(Options, AreTheServicesAgainInTheNextConnectionOfTheSlot) {
  Ladder l(start());
  choose(l, Option::kDscp, 46);
  l.abort().ignore_output();
  EXPECT_EQ(l.core().extras.in_use(), 0u);
  EXPECT_EQ(l.connection().option(Option::kDscp, l.core()), 0);
  EXPECT_EQ(l.connection().set_option(Option::kDscp, 46, l.core()), Error::kNotConnected);
}

TEST_P(Options, CongestionControlChangesInTheMidst) {
  Ladder l(start());
  EXPECT_EQ(l.connection().option(Option::kCongestion, l.core()), static_cast<int64_t>(Congestion::kNewReno));
  EXPECT_EQ(choose(l, Option::kCongestion, static_cast<int64_t>(*congestion_named("cubic"))), Error::kNone);
  EXPECT_EQ(l.core().config(l.connection()).congestion, Congestion::kCubic);
  for (int i = 0; i < 10; ++i) l.send(1000);
  for (uint32_t i = 0; i < 3; ++i) l.in(ack(1001));
  l.ignore_output();
}

TEST_P(Options, RefusedWhereTheCoreHasNoRoom) {
  Start s = start();
  s.limits.extras = 0;
  Ladder l(s);
  EXPECT_EQ(choose(l, Option::kNoDelay, 1), Error::kNoBuffers);
  EXPECT_EQ(l.connection().option(Option::kNoDelay, l.core()), 0);
}

TEST_P(Options, InfoSaysWhatIsSoAndWhatHoldsTextBack) {
  Ladder l(start());
  l.at(100ms).in(seq(1), ack(1), text(300));
  for (int i = 0; i < 20; ++i) l.send(1000);
  Info info = l.connection().info(l.core());
  EXPECT_EQ(info.state, State::kEstablished);
  EXPECT_EQ(info.mss, 1000);
  EXPECT_EQ(info.advertised_mss, 1000);
  EXPECT_EQ(info.unread, 300u);
  EXPECT_EQ(info.bytes_received, 300u);
  EXPECT_EQ(info.bytes_acknowledged, 0u);
  EXPECT_EQ(info.flight, 10'000u);
  EXPECT_EQ(info.unsent, 10'000u);
  EXPECT_EQ(info.cwnd, 10'000u);
  EXPECT_EQ(info.limited_by, LimitedBy::kCongestion);
  l.at(200ms).in(seq(301), ack(2001), wnd(8'500));
  info = l.connection().info(l.core());
  EXPECT_EQ(info.limited_by, LimitedBy::kReceiver);
  EXPECT_EQ(info.send_window, 8'500u);
  EXPECT_EQ(info.bytes_acknowledged, 2'000u);
  EXPECT_EQ(info.rtt_us, 100'000u);
  l.in(seq(301), ack(10'001)).in(seq(301), ack(20'001));
  l.ignore_output();
  EXPECT_EQ(l.connection().info(l.core()).limited_by, LimitedBy::kIdle);
}

TEST_P(Options, InfoSaysForHowLongWhatHeldTextBack) {  // RFC 4898
  Start s = start();
  s.config.send_buffer = 2000;
  Ladder l(s);
  const auto spent = [&](LimitedBy by) {
    return l.connection().info(l.core()).limit_times[static_cast<size_t>(by)];
  };
  l.at(50ms).in(seq(1), ack(1));
  EXPECT_EQ(spent(LimitedBy::kIdle), 0ms) << "nobody has asked";
  EXPECT_EQ(choose(l, Option::kAccountLimits, 1), Error::kNone);
  l.at(100ms);
  EXPECT_EQ(spent(LimitedBy::kIdle), 50ms);
  l.send(500);
  l.out(text(500)).at(130ms).in(ack(501), wnd(0));
  l.at(140ms);
  l.send(1000);
  l.at(240ms).in(ack(501), wnd(10'000)).out(seq(501), text(1000));
  EXPECT_EQ(spent(LimitedBy::kReceiver), 100ms);
  l.at(260ms).in(ack(1501));
  EXPECT_EQ(spent(LimitedBy::kSender), 50ms);
  l.burst([&] {
    EXPECT_TRUE(l.send(2000));
    EXPECT_FALSE(l.send(1));
  });
  l.out(text(1000)).out(text(1000)).at(300ms).in(ack(3501));
  EXPECT_EQ(spent(LimitedBy::kSendBuffer), 40ms);
  l.tcb().cwnd = 1000;
  l.send(2000);
  l.out(text(1000)).at(370ms).in(ack(4501)).out(text(1000));
  EXPECT_EQ(spent(LimitedBy::kCongestion), 70ms);
  l.in(ack(5501));
  EXPECT_EQ(spent(LimitedBy::kIdle), 60ms);
  EXPECT_EQ(spent(LimitedBy::kReceiver), 100ms);
}

TEST_P(Options, InfoAccountsFromTheStartWhereTheConfigurationWantsIt) {
  Start s = start();
  s.config.account_limits = true;
  Ladder l(s);
  l.at(30ms);
  EXPECT_EQ(l.connection().info(l.core()).limit_times[0], 30ms);
}

TEST_P(Options, CongestionControlThatIsLeftLeavesNothingBehind) {
  Start s = start();
  s.config.congestion = Congestion::kBbr;
  s.limits.bbrs = 1;
  Ladder l(s);
  l.send(6000);
  l.ignore_output();
  EXPECT_EQ(l.core().bbrs.in_use(), 1u);
  EXPECT_EQ(choose(l, Option::kCongestion, static_cast<int64_t>(Congestion::kNewReno)), Error::kNone);
  EXPECT_EQ(l.core().bbrs.in_use(), 0u);
  EXPECT_EQ(l.core().congestions.in_use(), 0u);
  l.at(50ms).ignore_output().in(ack(6001));
  EXPECT_GE(l.tcb().cwnd, 10'000u);
  l.send(1000);
  l.out(seq(6001), text(1000));
}

TEST_P(Options, CongestionControlIsLeftInSlowStartToo) {
  Start s = start();
  s.config.congestion = Congestion::kCubic;  // whose slow start is watched by HyStart++
  Ladder l(s);
  l.send(30'000);
  l.ignore_output();
  l.at(50ms).in(ack(5001)).ignore_output();
  EXPECT_EQ(l.core().hystarts.in_use(), 1u);
  EXPECT_EQ(choose(l, Option::kCongestion, static_cast<int64_t>(Congestion::kNewReno)), Error::kNone);
  EXPECT_EQ(l.core().hystarts.in_use(), 0u);
  l.at(60ms).in(ack(10'001)).ignore_output();
}

TEST_P(Options, InfoCountsNoFinAsAByte) {
  Ladder l(start());
  l.send(100);
  l.shutdown().ignore_output();
  l.in(seq(1), ack(102), text(7), fin()).ignore_output();
  const Info info = l.connection().info(l.core());
  EXPECT_EQ(info.bytes_acknowledged, 100u);
  EXPECT_EQ(info.bytes_received, 7u);
}

TEST_P(Options, ErrorsNameWhyNothingIsTakenOrGiven) {
  Start s = start();
  s.active = true;
  s.handshake = false;
  Ladder l(s);
  EXPECT_EQ(l.connection().receive_error(), Error::kNotConnected);
  EXPECT_EQ(l.connection().send_error(l.core()), Error::kNone) << "it is queued until the handshake is done";
  l.in(seq(0), syn(), ack(1), mss(1000)).ignore_output();
  EXPECT_EQ(l.connection().receive_error(), Error::kAgain);
  l.in(seq(1), ack(1), text(5));
  EXPECT_EQ(l.connection().receive_error(), Error::kNone);
  l.read();
  l.shutdown().ignore_output();
  EXPECT_EQ(l.connection().send_error(l.core()), Error::kPipe);
  l.in(seq(6), ack(2), fin()).ignore_output();
  EXPECT_EQ(l.connection().receive_error(), Error::kNone) << "the end";
}

TERN_LADDERS(Options);

TEST(OptionRanges, AreCheckedAtBothEnds) {
  struct Case {
    Option option;
    int64_t least, most;
  };
  for (const Case& c : {Case{Option::kNoDelay, 0, 1},
                        {Option::kCork, 0, 1},
                        {Option::kAccountLimits, 0, 1},
                        {Option::kKeepAlive, 0, 1},
                        {Option::kKeepAliveIdle, 1, 32'400},
                        {Option::kKeepAliveInterval, 1, 32'400},
                        {Option::kKeepAliveCount, 1, 255},
                        {Option::kUserTimeout, 0, 32'400'000},
                        {Option::kRetransmitLimit, 1, 255},
                        {Option::kSynRetries, 1, 255},
                        {Option::kTimeToLive, 1, 255},
                        {Option::kDscp, 0, 63},
                        {Option::kLinger, -1, 32'400'000},
                        {Option::kReceiveBuffer, 1, 1 << 30},
                        {Option::kSendBuffer, 1, 1 << 30}}) {
    Config config;
    for (const int64_t good : {c.least, c.most}) {
      EXPECT_EQ(set_option(config, c.option, good), Error::kNone);
      EXPECT_EQ(get_option(config, c.option), good);
    }
    for (const int64_t bad : {c.least - 1, c.most + 1}) {
      EXPECT_EQ(set_option(config, c.option, bad), Error::kInvalid);
      EXPECT_EQ(get_option(config, c.option), c.most);
    }
  }
}

TEST(OptionRanges, CongestionControlsAreKnownByTheirNames) {
  for (const char* name : {"cubic", "newreno"}) {
    const auto found = congestion_named(name);
    ASSERT_TRUE(found);
    EXPECT_STREQ(name_of(*found), name);
    Config config;
    EXPECT_EQ(set_option(config, Option::kCongestion, static_cast<int64_t>(*found)), Error::kNone);
    EXPECT_EQ(config.congestion, *found);
  }
  EXPECT_FALSE(congestion_named("vegas"));
}

TEST(ErrorNames, AreThoseOfErrno) {
  EXPECT_STREQ(to_string(Error::kNone), "0");
  EXPECT_STREQ(to_string(Error::kAgain), "EAGAIN");
  EXPECT_STREQ(to_string(Error::kPipe), "EPIPE");
  EXPECT_STREQ(to_string(Error::kConnectionReset), "ECONNRESET");
  EXPECT_STREQ(to_string(Error::kTimedOut), "ETIMEDOUT");
  EXPECT_STREQ(to_string(Error::kConnectionRefused), "ECONNREFUSED");
  EXPECT_STREQ(to_string(Error::kHostUnreachable), "EHOSTUNREACH");
  EXPECT_STREQ(to_string(Error::kNetworkUnreachable), "ENETUNREACH");
  EXPECT_STREQ(to_string(Error::kAddressInUse), "EADDRINUSE");
  EXPECT_STREQ(to_string(Error::kAddressNotAvailable), "EADDRNOTAVAIL");
  EXPECT_STREQ(to_string(Error::kNoBuffers), "ENOBUFS");
  EXPECT_STREQ(to_string(Error::kInvalid), "EINVAL");
  EXPECT_STREQ(to_string(Error::kNotConnected), "ENOTCONN");
  EXPECT_STREQ(to_string(Error::kIsConnected), "EISCONN");
  EXPECT_EQ(error_of(CloseReason::kResetByPeer), Error::kConnectionReset);
  EXPECT_EQ(error_of(CloseReason::kFinished), Error::kNone);
}

}  // namespace
}  // namespace tern::test
