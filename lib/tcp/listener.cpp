// SPDX-License-Identifier: BSD-3-Clause
// A listening address: RFC 9293 section 3.10.7.2.
#include "tcp/listener.hpp"

#include <algorithm>

#include "tcp/options.hpp"
#include "tcp/user_timeout.hpp"

namespace tern::tcp {

SynAnswer Listener::decide(uint32_t half_open) const {
  if (config_->cookies == Cookies::kAlways) return SynAnswer::kCookie;
  if (half_open < config_->syn_backlog) return SynAnswer::kQueue;
  return config_->cookies == Cookies::kWhenFull ? SynAnswer::kCookie : SynAnswer::kDrop;
}

Listener::FastOpenDecision Listener::decide_fast_open(const Segment& syn, std::span<const uint8_t> addresses,
                                                      const FastOpenCookies& cookies, uint16_t pending,
                                                      Core& core) const {
  FastOpenDecision decision;
  const FastOpenOption& option = syn.fast_open;
  const bool without_cookie = config_->fast_open_listen == FastOpen::kWithoutCookies && syn.length != 0;
  if (config_->fast_open_listen == FastOpen::kOff || (!option.present() && !without_cookie)) return decision;

  using Check = FastOpenCookies::Check;
  const Check check = cookies.check(addresses, option);
  if (option.has_cookie() && check == Check::kInvalid) ++core.counters.fast_open_cookies_invalid;
  if (option.present() && check != Check::kValid) {
    decision.answer = cookies.make(addresses, option.form);
    ++core.counters.fast_open_cookies_sent;
  }
  if (check == Check::kInvalid && !without_cookie) return decision;
  decision.open = core.fast_opens[pending].admits(config_->fast_open_pending, core.now) &&
                  !core.extras.full() && !core.pressed();
  if (!decision.open) ++core.counters.fast_open_refused;
  return decision;
}

std::optional<Agreement> Listener::agree_on_syn(const Segment& syn, Seq iss, uint32_t ts_offset,
                                                Counters& counters) const {
  auto agreement = agree_on_fast_open(syn, iss, ts_offset, counters);
  if (agreement) ++counters.syns_queued;
  return agreement;
}

std::optional<Agreement> Listener::agree_on_fast_open(const Segment& syn, Seq iss, uint32_t ts_offset,
                                                      Counters& counters) const {
  ++counters.syns_received;
  if (syn.has(kFin) || syn.has(kRst)) {
    ++counters.syns_malformed;
    return std::nullopt;
  }
  Agreement agreement;
  agreement.iss = iss;
  agreement.irs = syn.seq;
  agreement.profile = profile_;
  agreement.peer_mss = syn.mss;
  agreement.peer_window_scale = syn.window_scale;
  agreement.timestamps = syn.has_timestamps && config_->timestamps;
  agreement.sack = syn.sack_permitted && config_->sack;
  agreement.ecn = syn.asks_for_ecn() && config_->ecn != Ecn::kOff;
  agreement.ts_offset = ts_offset;
  agreement.ts_recent = syn.ts_val;
  agreement.user_timeout = syn.user_timeout;
  return agreement;
}

std::optional<SegmentHeader> Listener::answer_syn(const Segment& syn, const net::PrfBlock& seal,
                                                  const SynCookies& cookies, uint32_t ts_now,
                                                  Counters& counters, const FastOpenOption& fast_open) const {
  ++counters.syns_received;
  if (syn.has(kFin) || syn.has(kRst)) {
    ++counters.syns_malformed;
    return std::nullopt;
  }
  CookieOptions offered;
  offered.mss = syn.mss != 0 ? syn.mss : config_->default_mss;
  offered.window_scale = syn.window_scale;
  offered.sack_permitted = syn.sack_permitted && config_->sack;
  offered.timestamps = syn.has_timestamps && config_->timestamps;
  // Only the timestamp has room to remember it.
  offered.ecn = syn.asks_for_ecn() && config_->ecn != Ecn::kOff && offered.timestamps;
  const Cookie cookie = cookies.make(seal, syn.seq, offered, ts_now);

  SegmentHeader header;
  header.seq = cookie.iss;
  header.ack =
      syn.seq + 1;  // text in a SYN is not taken: the peer sends it again (RFC 9293 section 3.10.7.2)
  header.flags = static_cast<uint8_t>(kSyn | kAck | (offered.ecn ? kEce : 0));
  header.wnd =
      static_cast<uint16_t>(std::min({config_->receive_buffer, config_->receive_buffer_initial, 0xffffu}));
  SynOptions options;
  options.mss = config_->mss;
  if (offered.window_scale != kNoWindowScale) options.window_scale = config_->window_scale;
  options.sack_permitted = offered.sack_permitted;
  options.timestamps = offered.timestamps;
  options.ts_val = cookie.ts_val;
  options.ts_ecr = syn.ts_val;
  options.fast_open = fast_open;
  options.user_timeout = advertised_user_timeout(*config_);
  append_syn_options(header, options);
  ++counters.cookies_sent;
  ++counters.segments_sent;
  return header;
}

std::optional<Agreement> Listener::accept_third(const Segment& segment, const net::PrfBlock& seal,
                                                const SynCookies& cookies, Counters& counters) const {
  if (!segment.has(kAck) || segment.has(kSyn) || segment.has(kRst)) return std::nullopt;
  const std::optional<CookieOptions> agreed = cookies.check(seal, segment);
  if (!agreed) {
    ++counters.cookies_invalid;
    return std::nullopt;
  }
  ++counters.cookies_valid;
  Agreement agreement;
  agreement.iss = segment.ack - 1;
  agreement.irs = segment.seq - 1;
  agreement.profile = profile_;
  agreement.peer_mss = agreed->mss;
  agreement.peer_window_scale = agreed->window_scale;
  agreement.timestamps = agreed->timestamps && config_->timestamps;
  agreement.sack = agreed->sack_permitted && config_->sack;
  agreement.ecn = agreed->ecn && config_->ecn != Ecn::kOff;
  agreement.ts_offset = SynCookies::timestamp_offset(seal);
  agreement.ts_recent = segment.ts_val;
  return agreement;
}

// The cookie is bound to the initial sequence number, which such a segment no longer shows. All that a lucky
// guess could gain is that it gets no answer.
bool Listener::overtook_third(const Segment& segment, const net::PrfBlock& seal, uint32_t ts_now,
                              Counters& counters) {
  const bool lacks_start = segment.sequence_length() != 0 && !segment.has(kRst) && !segment.has(kSyn);
  if (!lacks_start || !SynCookies::may_answer(seal, segment, ts_now)) return false;
  ++counters.cookies_overtaken;
  return true;
}

}  // namespace tern::tcp
