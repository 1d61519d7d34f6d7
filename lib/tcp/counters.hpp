// SPDX-License-Identifier: BSD-3-Clause
// What TCP counts, one line each: the same line feeds telemetry, the exit report and the documentation.
#pragma once

#include "net/counter.hpp"

namespace tern::tcp {

// X(name, unit, sentence)
#define TERN_TCP_COUNTERS(X)                                                                               \
  X(segments_received, "segments", "Segments with a valid header that reached TCP.")                       \
  X(segments_expected, "segments", "Segments that took the fast path.")                                    \
  X(segments_sent, "segments", "Segments handed to the network, retransmissions included.")                \
  X(bytes_received, "bytes", "Text accepted in order, each byte once.")                                    \
  X(bytes_sent, "bytes", "Text sent, retransmissions included.")                                           \
  X(syns_received, "segments", "SYNs to a listening address.")                                             \
  X(syns_malformed, "segments", "SYNs with FIN set, or without room for an answer, dropped.")              \
  X(cookies_sent, "segments", "SYN-ACKs sent, each carrying a SYN cookie.")                                \
  X(cookies_valid, "segments", "Third segments whose cookie was ours.")                                    \
  X(cookies_invalid, "segments", "ACKs to a listening address with no connection and no valid cookie.")    \
  X(syns_queued, "segments", "SYNs kept as half-open connections, in place of a cookie.")                  \
  X(syns_dropped_full, "segments", "SYNs dropped because the SYN queue was full and cookies are off.")     \
  X(syns_answered_full, "segments", "SYNs answered by a cookie because there was no room to queue them.")  \
  X(accept_overflows, "segments", "SYNs and third segments that found the accept queue full.")             \
  X(listen_drops, "segments", "SYNs and third segments that a listener dropped, for whatever reason.")     \
  X(half_open_evicted, "connections", "Half-open connections forgotten, the oldest first, to make room.")  \
  X(half_open_timed_out, "connections", "Half-open connections given up: no third segment came.")          \
  X(half_open_reset, "connections", "Half-open connections that the peer ended by RST or by a new SYN.")   \
  X(cookies_overtaken, "segments",                                                                         \
    "Text or FIN that came before the third segment it belongs behind, dropped.")                          \
  X(fast_opens, "connections", "Connections opened by a SYN with a valid Fast Open cookie (RFC 7413).")    \
  X(fast_open_cookies_sent, "segments", "SYN-ACKs with a new Fast Open cookie.")                           \
  X(fast_open_cookies_invalid, "segments", "SYNs with a Fast Open cookie that is not ours, or too old.")   \
  X(fast_open_refused, "segments",                                                                         \
    "SYNs with a valid Fast Open cookie taken as if they had none: too many were pending.")                \
  X(fast_open_syns_sent, "segments", "SYNs sent with text.")                                               \
  X(fast_open_cookies_received, "segments", "SYN-ACKs received with a Fast Open cookie.")                  \
  X(fast_open_text_acknowledged, "connections", "SYNs whose text was all acknowledged by the SYN-ACK.")    \
  X(fast_open_text_refused, "connections", "SYNs with text that was sent again, not being acknowledged.")  \
  X(fast_open_avoided, "connections", "Connections opened plainly, Fast Open having failed before.")       \
  X(connections_accepted, "connections", "Passive connections that reached ESTABLISHED.")                  \
  X(connections_opened, "connections", "Active connections that reached ESTABLISHED.")                     \
  X(connections_refused_full, "connections",                                                               \
    "Valid third segments refused because the flow table was full.")                                       \
  X(connections_refused_memory, "connections", "Valid third segments refused because buffers ran low.")    \
  X(connections_closed, "connections", "Connections that ended with both FINs acknowledged.")              \
  X(connections_reset_by_peer, "connections", "Connections ended by a received RST.")                      \
  X(connections_aborted, "connections", "Connections that we ended by RST.")                               \
  X(orphans_aborted, "connections", "Connections ended by RST as they were closed: too many were ending.") \
  X(connections_timed_out, "connections", "Connections given up after the limit of retransmissions.")      \
  X(connections_put_to_sleep, "connections",                                                               \
    "Idle connections that gave their TCB to one with something to do.")                                   \
  X(connections_woken, "connections", "Connections asleep that were wanted again.")                        \
  X(busy_refused, "events", "Times that a connection was wanted and all with a TCB were busy.")            \
  X(listen_unserved, "segments", "Segments to an address and port where nothing listens.")                 \
  X(resets_sent, "segments", "RSTs sent.")                                                                 \
  X(resets_received, "segments", "RSTs received, acceptable or not.")                                      \
  X(challenge_acks, "segments", "ACKs owed for RST, SYN or bare ACK out of place (RFC 5961).")             \
  X(challenge_acks_withheld, "segments", "Challenge ACKs not sent: beyond challenge_acks.")                \
  X(unacceptable_sequence, "segments", "Segments outside the receive window, answered by an ACK.")         \
  X(unacceptable_ack, "segments", "Segments acknowledging what was not sent, or what is too old.")         \
  X(missing_ack, "segments", "Segments without ACK in a synchronized state, dropped.")                     \
  X(paws_rejected, "segments", "Segments with a timestamp older than TS.Recent (RFC 7323 section 5).")     \
  X(text_out_of_order, "segments", "Segments kept for reassembly.")                                        \
  X(text_duplicate, "segments", "Segments whose text had all been received before.")                       \
  X(text_beyond_window, "bytes", "Text cut off because it lay beyond the window.")                         \
  X(text_after_close, "segments", "Text that came when nobody reads any more, answered by RST.")           \
  X(reassembly_refused, "segments", "Out-of-order segments refused by the bound on pieces.")               \
  X(receive_buffers_grown, "events", "Times that a flow in bulk was given a larger receive buffer.")       \
  X(receive_growth_refused, "events", "Times that it was not, because memory ran low.")                    \
  X(text_refused_memory, "segments", "Segments with text refused because buffers ran low.")                \
  X(acks_delayed, "timeouts", "Acknowledgments sent because the delayed-ACK timer ran out.")               \
  X(duplicate_acks_received, "segments", "Duplicate acknowledgments (RFC 5681 section 2).")                \
  X(retransmissions, "segments", "Segments sent again, for whatever reason.")                              \
  X(retransmission_timeouts, "timeouts", "Expiries of the retransmission timer.")                          \
  X(fast_retransmits, "events", "Fast recoveries entered (RFC 6675; without SACK RFC 6582).")              \
  X(ecn_agreed, "connections", "Connections that use congestion notification (RFC 3168).")                 \
  X(congestion_marks, "segments", "Text that a router had marked, echoed to the peer by ECE.")             \
  X(congestion_echoes, "events", "Window reductions because the peer echoed a router's mark.")             \
  X(next_hops_doubted, "events", "Third retransmissions in a row: the next hop is asked for.")             \
  X(tail_loss_probes, "segments", "Probes of a tail that was not acknowledged (RFC 8985 section 7).")      \
  X(losses_undone, "events", "Window reductions taken back: nothing was lost (RFC 3522, 5682, 3708).")     \
  X(congestions_refused, "events", "Times that a connection found no room to remember its window's past.") \
  X(bbr_refused, "connections", "Connections that use NewReno instead of BBR: the core had no room.")      \
  X(hystart_exits, "events", "Slow starts ended by a growing delay, before a loss (RFC 9406).")            \
  X(hystarts_refused, "events", "Slow starts whose delays were not watched: the core had no room.")        \
  X(sacks_reneged, "events", "Peers found to have given up text that they had acknowledged selectively.")  \
  X(scoreboards_refused, "events", "Losses mended without a scoreboard: the core had none left.")          \
  X(extras_refused, "events", "Options or rare features that a connection had to do without: none left.")  \
  X(keep_alive_probes, "segments", "Keep-alives sent to a silent peer (RFC 9293 section 3.8.4).")          \
  X(zero_window_probes, "segments", "Probes of a closed window (RFC 9293 section 3.8.6.1).")               \
  X(zero_windows_sent, "segments", "Segments that announced a window of zero.")                            \
  X(icmp_out_of_window, "messages", "ICMP errors about what is not in flight, ignored (RFC 5927 4.1).")    \
  X(icmp_unmatched, "messages", "ICMP errors about no connection of ours, ignored.")                       \
  X(icmp_hard_errors, "messages", "ICMP: protocol or port unreachable, or prohibited.")                    \
  X(icmp_soft_errors, "messages", "ICMP: unreachable otherwise, time exceeded, parameter problem.")        \
  X(icmp_too_big, "messages", "ICMP: fragmentation needed.")                                               \
  X(path_mtu_lowered, "events", "Paths found to take less: what was in flight was sent again smaller.")    \
  X(black_holes_suspected, "events", "Paths suspected to swallow large segments: they are made smaller.")  \
  X(mtu_probes, "segments", "Larger segments sent to see whether the path takes them (RFC 8899).")         \
  X(mtu_probes_lost, "segments", "Those that it did not take.")                                            \
  X(time_wait_restarted, "events", "TIME-WAITs begun anew by a retransmitted FIN.")                        \
  X(time_wait_overflow, "events", "TIME-WAITs cut short because there were as many as may be.")            \
  X(time_wait_reused, "events", "TIME-WAITs ended early by a new SYN, the peer's or ours (RFC 6191).")

struct Counters {
  TERN_COUNTERS_OF(TERN_TCP_COUNTERS)
};

}  // namespace tern::tcp
