// SPDX-License-Identifier: BSD-3-Clause
// What became of each byte between SND.UNA and SND.NXT: RFC 6675 section 3, with the times of RFC 8985.
//
// Kept as at most kMaxRuns runs of bytes that share a fate, however many segments there are and however a
// peer chops its SACK blocks (CVE-2019-11477, -11478, -11479): work per ACK has that bound. When the runs are
// used up, further SACK blocks are passed over and times are coarsened; what is not known to have arrived is
// merely sent again.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "net/instant.hpp"
#include "tcp/segment.hpp"
#include "tcp/seq.hpp"

namespace tern::tcp {

// The time in microseconds modulo 2^32: an hour and more, and none that is compared is a minute apart.
inline uint32_t stamp_of(net::Instant t) { return static_cast<uint32_t>(t.microseconds()); }

// The last transmission of a byte: RACK.xmit_ts and RACK.end_seq of RFC 8985 section 5.2.
struct Transmission {
  uint32_t sent_us = 0;
  Seq end;
  // RACK_sent_after().
  friend bool operator>(const Transmission& a, const Transmission& b) {
    const auto later = static_cast<int32_t>(a.sent_us - b.sent_us);
    return later != 0 ? later > 0 : a.end > b.end;
  }
};

// What one acknowledgment says has arrived that was not known to have.
struct Delivery {
  uint32_t bytes = 0;
  // The transmission that was sent last among them. A byte sent again after this time is left out: what
  // answers it so soon was the first copy (RFC 8985 section 6.2, step 2).
  uint32_t ambiguous_after_us = 0;
  bool any = false;
  Transmission last;
  bool last_again = false;  // that was a retransmission
  // The transmission among them that stands last in the stream: RACK.rtt is measured by it.
  Transmission foremost;
  // Text sent once that arrived after text beyond this: the path reorders (RFC 8985 section 6.2, step 3).
  Seq highest_before;
  bool reordered = false;
  Seq recover;             // SND.NXT at the last timeout
  bool original = false;   // some of it below that was sent once only
  bool advanced = false;   // SND.UNA moved
  bool duplicate = false;  // the peer says that it received something twice (RFC 2883)
  Seq duplicate_end;       // up to here
  bool repeats = false;    // it says the same as the last one, and nothing else
};

// What was newly found lost, in bytes, and what was sent last of it.
struct Losses {
  uint32_t bytes = 0;
  Transmission last;
  bool last_again = false;  // that was a retransmission
};

class Scoreboard {
 public:
  static constexpr uint32_t kMaxRuns = 128;
  static constexpr uint32_t kReservedRuns = 16;  // which SACK blocks leave to retransmissions
  static constexpr uint32_t kThreshold = 3;      // DupThresh

  // All of [una, nxt) is in flight, sent at this time in segments of this size; 0: they differ, or nobody
  // knows.
  void begin(Seq una, Seq nxt, uint32_t sent_us, uint16_t segment = 0);
  // Text beyond what was sent before, in segments of this size or 0; the same or less is ignored. Runs sent
  // within grain_us share a time, unless something was sent again between them: what was sent after that must
  // not seem to be older.
  void extend(Seq nxt, uint32_t now_us, uint32_t grain_us, uint16_t segment = 0);
  // SND.UNA has moved.
  void acknowledge(Seq una, Delivery& delivery);
  // Update() of RFC 6675 section 4 for one block. Blocks that reach beyond SND.NXT, or to SND.UNA and below,
  // say nothing of use; nor do those parts of a block that are less than a segment.
  void sack(const SackBlock& block, Delivery& delivery);
  // [left, right) was sent again.
  void retransmitted(Seq left, Seq right, uint32_t now_us);

  // IsLost() of RFC 6675 section 4 for what was sent once. Whether anything was newly found lost.
  bool mark_lost_by_count(uint32_t mss);
  // RACK_detect_loss() of RFC 8985 section 6.2, step 5: lost is what was sent before last and is overdue by
  // the window, in microseconds. Returns whether anything was newly found lost; wait_us: until the next check
  // is due, 0 for none.
  bool mark_lost_by_time(const Transmission& last, uint32_t rtt_us, uint32_t window_us, uint32_t now_us,
                         uint32_t& wait_us);
  // The first bytes, at most this many, are lost, unless they have arrived.
  void lose_head(uint32_t bytes);
  // Everything that is not known to have arrived is lost.
  void lose_all();
  // What was found lost since this was asked last.
  Losses take_losses() { return std::exchange(losses_, Losses{}); }
  // What is lost and was not sent again is in flight after all.
  void find_lost();
  // The peer has given up what it said it had (RFC 2018 section 8): nothing is known to have arrived.
  void forget_sacks();

  // Whether the byte at SND.UNA is said to have arrived, which only a peer that reneges says.
  bool reneged() const { return count_ != 0 && runs_[0].fate == Fate::kSacked; }
  // Whether the byte at SND.UNA was sent more than once.
  bool begins_again() const { return count_ != 0 && runs_[0].again; }
  // NextSeg() of RFC 6675 section 4, rule 1: the first bytes that are lost and not sent again.
  bool next_lost(Seq& left, Seq& right) const;
  bool any_lost() const { return holds(Fate::kLost); }
  bool any_sacked() const { return holds(Fate::kSacked); }
  // SetPipe() of RFC 6675 section 4: bytes believed to be in the network.
  uint32_t pipe() const { return bytes(Fate::kInFlight); }
  uint32_t sacked() const { return bytes(Fate::kSacked); }

  Seq una() const { return count_ == 0 ? end_ : runs_[0].left; }
  Seq nxt() const { return end_; }
  Seq highest() const { return highest_; }  // the end of the highest byte that has arrived: RACK.fack
  uint32_t runs() const { return count_; }
  bool is_sacked(Seq seq) const { return runs_[find(seq)].fate == Fate::kSacked; }
  bool is_lost(Seq seq) const { return runs_[find(seq)].fate == Fate::kLost; }

 private:
  enum class Fate : uint8_t { kInFlight, kSacked, kLost };
  // Reaches to the left of the next one, or to end_.
  struct Run {
    Seq left;
    uint32_t sent_us;
    Fate fate;
    bool again;        // sent more than once
    uint16_t segment;  // size of each segment in it, the last one perhaps excepted; 0: not known
  };

  Seq right_of(uint32_t i) const { return i + 1 < count_ ? runs_[i + 1].left : end_; }
  uint32_t length(uint32_t i) const { return right_of(i) - runs_[i].left; }
  // Whether a segment begins at this number, as far as is known.
  static bool begins_segment(const Run& run, Seq at) {
    return run.segment != 0 && (at - run.left) % run.segment == 0;
  }
  Seq first_segment(Seq left) const;
  Seq last_segment(Seq right) const;
  static void cut(Run& run, Seq left);
  void lose(uint32_t i);
  uint32_t find(Seq seq) const;
  uint32_t split(Seq at);
  bool make_room(uint32_t wanted);
  void join(bool coarsely);
  void deliver(uint32_t i, Seq right, Delivery& delivery) const;
  bool holds(Fate fate) const;
  uint32_t bytes(Fate fate) const;

  uint32_t count_ = 0;
  Seq end_;                 // SND.NXT
  uint32_t resent_us_ = 0;  // when something was sent again last
  Seq highest_;
  Losses losses_;
  std::array<Run, kMaxRuns> runs_;
};

}  // namespace tern::tcp
