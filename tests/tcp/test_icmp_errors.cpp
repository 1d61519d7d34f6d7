// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about a segment of ours: RFC 9293 section 3.9.2.2, RFC 5927 sections 4 and 5.
#include "support/ladder.hpp"

namespace tern::test {
namespace {

using namespace tcp;
using net::IcmpError;

constexpr IcmpError kHard[] = {IcmpError::kProtocolUnreachable, IcmpError::kPortUnreachable,
                               IcmpError::kProhibited};
constexpr IcmpError kSoft[] = {IcmpError::kNetUnreachable, IcmpError::kHostUnreachable,
                               IcmpError::kTimeExceeded, IcmpError::kParameterProblem};

class IcmpErrors : public LadderTest {
 protected:
  Start opening() const {
    Start s = start();
    s.active = true;
    s.handshake = false;
    return s;
  }
};
TERN_LADDERS(IcmpErrors);

TEST_P(IcmpErrors, HardOnesEndAnActiveOpen) {  // SHLD-26
  for (const IcmpError error : kHard) {
    Ladder l(opening());
    l.ignore_output().at(100ms).icmp(error, 0).gone(CloseReason::kRefused);
    EXPECT_EQ(l.counters().icmp_hard_errors.value(), 1u);
  }
}

TEST_P(IcmpErrors, HardOnesEndASimultaneousOpen) {
  Ladder l(opening());
  l.ignore_output().in(seq(0), syn(), no_ack(), mss(1000)).ignore_output().in_state(State::kSynReceived);
  l.icmp(IcmpError::kPortUnreachable, 0).gone(CloseReason::kRefused);
}

TEST_P(IcmpErrors, SoftOnesEndNothing) {  // MUST-56
  for (const IcmpError error : kSoft) {
    Ladder l(opening());
    l.ignore_output().icmp(error, 0).in_state(State::kSynSent);
    EXPECT_EQ(l.counters().icmp_soft_errors.value(), 1u);
    l.at(100ms).in(seq(0), syn(), ack(1), mss(1000)).out(ack(1)).in_state(State::kEstablished);
  }
}

TEST_P(IcmpErrors, EndNoSynchronizedConnection) {  // RFC 5927 section 5.2
  for (const IcmpError error : kHard) {
    Ladder l(start());
    l.send(500);
    l.out(text(500)).icmp(error, 1).in_state(State::kEstablished).at(100ms).in(ack(501));
    l.shutdown().out(fin()).icmp(error, 501).in_state(State::kFinWait1).in(ack(502));
  }
}

TEST_P(IcmpErrors, AboutWhatIsNotInFlightCountForNothing) {  // RFC 5927 section 4.1
  Ladder l(opening());
  l.ignore_output();
  for (const uint32_t seq : {0xffffffffu, 1u, 0x80000000u}) l.icmp(IcmpError::kPortUnreachable, seq);
  l.in_state(State::kSynSent);
  EXPECT_EQ(l.counters().icmp_out_of_window.value(), 3u);

  Ladder m(start());
  m.send(1000);
  m.out(text(1000)).icmp(IcmpError::kHostUnreachable, 0).icmp(IcmpError::kHostUnreachable, 1001);
  EXPECT_EQ(m.tcb().soft_error, CloseReason::kNone);
  m.icmp(IcmpError::kHostUnreachable, 1000);
  EXPECT_EQ(m.tcb().soft_error, CloseReason::kUnreachable);
  EXPECT_EQ(m.counters().icmp_out_of_window.value(), 2u);
}

TEST_P(IcmpErrors, AreTheReasonOfATimeoutThatFollows) {  // MUST-47, SHLD-25
  const std::pair<IcmpError, CloseReason> reasons[] = {
      {IcmpError::kNetUnreachable, CloseReason::kNetworkUnreachable},
      {IcmpError::kHostUnreachable, CloseReason::kUnreachable},
      {IcmpError::kTimeExceeded, CloseReason::kUnreachable},
      {IcmpError::kPortUnreachable, CloseReason::kRefused}};
  for (const auto& [error, reason] : reasons) {
    Start s = start();
    s.config.retransmit_limit = 2;
    Ladder l(s);
    l.send(500);
    l.ignore_output().icmp(error, 1);
    EXPECT_EQ(l.tcb().soft_error, reason);
    l.at(10s).ignore_output().gone(reason);
  }
}

TEST_P(IcmpErrors, AreForgottenOnceTextGetsThrough) {
  Start s = start();
  s.config.retransmit_limit = 2;
  Ladder l(s);
  l.send(500);
  l.ignore_output().icmp(IcmpError::kHostUnreachable, 1).at(1s).out(text(500)).in(ack(501));
  EXPECT_EQ(l.tcb().soft_error, CloseReason::kNone);
  l.send(500);
  l.at(30s).ignore_output().gone(CloseReason::kTimedOut);
}

}  // namespace
}  // namespace tern::test
