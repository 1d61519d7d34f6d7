// SPDX-License-Identifier: BSD-3-Clause
// Taking responses: the one that is as it was before in a few instructions, all others piece by piece.
#include <utility>

#include "ternload/exchange.hpp"

namespace tern::load {

// Whether one became complete.
bool Exchange::take_response(stack::Socket& socket, Flow& flow) {
  if (flow.body.begun() || options_.verify) return take_slowly(socket, flow);
  const uint32_t index = socket.index();
  const Page& page = page_of(index, flow);
  if (!page.knows(socket.front(), socket.unread())) return take_slowly(socket, flow);
  socket.skip(page.total());
  tally_.bytes_received.add(page.total());
  if (page.closes()) announce_last(flow);
  complete(index, flow, socket.now());
  return true;
}

bool Exchange::take_slowly(stack::Socket& socket, Flow& flow) {
  if (!flow.body.begun()) {
    if (!begin_response(socket, flow)) return false;
    if (!flow.body.begun()) return complete(socket.index(), flow, socket.now()), true;
  }
  while (socket.unread() != 0) {
    std::span<const uint8_t> text;
    const uint64_t position = flow.body.position();
    const uint32_t taken = flow.body.take(socket.front(), text);
    if (options_.verify && !flow.bad && !page_of(socket.index(), flow).expects(text, position)) {
      tally_.count(Error::wrong_bytes);
      flow.bad = true;
    }
    socket.skip(taken);
    tally_.bytes_received.add(taken);
    if (flow.body.malformed()) return give_up(socket, flow, Error::malformed), false;
    if (!flow.body.begun()) return complete(socket.index(), flow, socket.now()), true;
  }
  return false;
}

// Takes the next response's head; false when it is not there yet, or is none.
bool Exchange::begin_response(stack::Socket& socket, Flow& flow) {
  if (options_.target.protocol == Protocol::kRaw) {
    flow.body = Body(options_.receive_bytes);
    return true;
  }
  ResponseHead head;
  std::span<const uint8_t> bytes = socket.front();
  HeadParse parsed = parse_response_head(bytes, head);
  if (parsed == HeadParse::kIncomplete && socket.unread() > bytes.size()) {
    bytes = std::span<const uint8_t>(head_).first(socket.peek(head_));
    parsed = parse_response_head(bytes, head);
  }
  const bool too_long = parsed == HeadParse::kIncomplete && (socket.full() || bytes.size() == head_.size());
  if (parsed == HeadParse::kMalformed || too_long) return give_up(socket, flow, Error::malformed), false;
  if (parsed == HeadParse::kIncomplete) return false;
  page_of(socket.index(), flow).learn(head, bytes);
  tally_.bytes_received.add(head.length);
  socket.skip(head.length);
  if (head.interim()) return socket.unread() != 0 && begin_response(socket, flow);
  if (!head.succeeded()) {
    tally_.count(Error::http_status);
    flow.bad = true;
  }
  if (head.closes) announce_last(flow);
  flow.body = Body(head);
  return true;
}

void Exchange::complete(uint32_t index, Flow& flow, net::Instant now) {
  if (options_.verify && !flow.bad && !page_of(index, flow).expects_end(flow.body.position())) {
    tally_.count(Error::wrong_bytes);
    flow.bad = true;
  }
  flow.body = {};
  const net::Instant at = asked(index, flow.answered).at;
  ++flow.answered;
  --tally_.in_flight;
  if (std::exchange(flow.bad, false)) return;
  ++tally_.responses;
  tally_.latency.record(static_cast<uint64_t>((now - at).count()));
}

}  // namespace tern::load
