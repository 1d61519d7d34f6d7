// SPDX-License-Identifier: BSD-3-Clause
// A listening address: RFC 9293 section 3.10.7.2. Where cookies answer SYNs, LISTEN and the passive
// SYN-RECEIVED hold no state at all; else a SYN becomes a half-open connection.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "net/prf.hpp"
#include "tcp/config.hpp"
#include "tcp/connection.hpp"
#include "tcp/counters.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/segment.hpp"
#include "tcp/syn_cookie.hpp"

namespace tern::tcp {

// What a listener does with a SYN.
enum class SynAnswer : uint8_t {
  kCookie,  // answer_syn()
  kQueue,   // agree_on_syn(), then Connection::open_from_syn()
  kDrop,    // nothing: the peer sends it again
};

class Listener {
 public:
  // profile: the index of config, given to connections accepted here. config must outlive the listener.
  Listener(uint16_t profile, const Config& config) : profile_(profile), config_(&config) {}

  // half_open: how many of its connections are in the SYN queue now.
  SynAnswer decide(uint32_t half_open) const;
  // RFC 7413 section 4.2.2, steps 1 to 3: whether the SYN opens a connection at once, with its text, and what
  // the SYN-ACK says of Fast Open either way. pending: the index of this listener's FastOpenPending. Whatever
  // decide() says: a valid cookie proves as much as the third segment of a handshake.
  struct FastOpenDecision {
    bool open = false;  // by agree_on_fast_open(), then Connection::open_fast()
    FastOpenOption answer;
  };
  FastOpenDecision decide_fast_open(const Segment& syn, std::span<const uint8_t> addresses,
                                    const FastOpenCookies& cookies, uint16_t pending, Core& core) const;
  // What to open a connection with; nothing for a SYN that is none (with FIN or RST).
  std::optional<Agreement> agree_on_fast_open(const Segment& syn, Seq iss, uint32_t ts_offset,
                                              Counters& counters) const;
  // What to open a connection with for a SYN that is queued; nothing for a SYN that is none (with FIN or
  // RST).
  std::optional<Agreement> agree_on_syn(const Segment& syn, Seq iss, uint32_t ts_offset,
                                        Counters& counters) const;

  // The SYN-ACK for a SYN; nothing for a SYN that is none (with FIN or RST). seal: see SynCookies. fast_open:
  // the decision's answer.
  std::optional<SegmentHeader> answer_syn(const Segment& syn, const net::PrfBlock& seal,
                                          const SynCookies& cookies, uint32_t ts_now, Counters& counters,
                                          const FastOpenOption& fast_open = {}) const;
  // What was agreed on, if segment is the third of a handshake whose SYN-ACK we sent; else the answer is a
  // RST.
  std::optional<Agreement> accept_third(const Segment& segment, const net::PrfBlock& seal,
                                        const SynCookies& cookies, Counters& counters) const;
  // Whether a segment that accept_third() refused has overtaken the handshake's third, which was lost or is
  // late: text or the FIN of a client that believes itself connected. It gets no RST: it is dropped, and the
  // client sends from the start again.
  static bool overtook_third(const Segment& segment, const net::PrfBlock& seal, uint32_t ts_now,
                             Counters& counters);
  uint16_t profile() const { return profile_; }

 private:
  uint16_t profile_;
  const Config* config_;
};

}  // namespace tern::tcp
