# SPDX-License-Identifier: BSD-3-Clause
# The load balancer's part of scripts/demo, which reads this file: three nginx servers in namespaces of their own behind
# tern, one of them killed and brought back while a client keeps asking.
# shellcheck shell=bash disable=SC2154  # namespace, tap, client, server and work are scripts/demo's

readonly backends=(a:192.0.2.11 b:192.0.2.12 c:192.0.2.13)
declare -A nginx_pids=()

# The namespace becomes a switch with tern, the client and the servers on it.
make_backends() {
  ip -n "$namespace" address flush dev "$tap"
  ip -n "$namespace" link add br0 type bridge
  # Both ends of a tap have one address, tern's; the switch would keep for itself what is for its own port's.
  ip -n "$namespace" link set "$tap" address 02:00:00:00:00:01
  ip -n "$namespace" link set "$tap" master br0
  ip -n "$namespace" link set br0 up
  ip -n "$namespace" address add "$client" dev br0
  local backend name
  for backend in "${backends[@]}"; do
    name=${backend%%:*}
    ip netns add "$namespace-$name"
    ip -n "$namespace" link add "to-$name" type veth peer name eth0 netns "$namespace-$name"
    ip -n "$namespace" link set "to-$name" master br0 up
    ip -n "$namespace-$name" link set lo up
    ip -n "$namespace-$name" address add "${backend#*:}/24" dev eth0
    ip -n "$namespace-$name" link set eth0 up
    start_backend "$name"
  done
}

start_backend() {
  local name=$1 folder=$work/$1
  mkdir -p "$folder/root"
  chmod 755 "$work" "$folder" "$folder/root"
  echo "$name" >"$folder/root/index.html"
  cat >"$folder/nginx.conf" <<END
daemon off; master_process off; error_log $folder/error.log; pid $folder/pid;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path $folder/body; proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi; uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  server { listen 80 proxy_protocol; root $folder/root; location = /client { return 200 "\$proxy_protocol_addr\n"; } }
}
END
  ip netns exec "$namespace-$name" nginx -c "$folder/nginx.conf" -p "$folder" 2>>"$work/nginx.log" </dev/null &
  nginx_pids[$name]=$!
}

kill_backend() {
  kill -KILL "${nginx_pids[$1]}" 2>/dev/null || true
  wait "${nginx_pids[$1]}" 2>/dev/null || true
  unset "nginx_pids[$1]"
}

remove_backends() {
  local name
  for name in "${!nginx_pids[@]}"; do kill_backend "$name"; done
  for name in a b c; do ip netns delete "$namespace-$name" 2>/dev/null || true; done
}

states() {
  telemetry /tern/pools | /usr/bin/python3 -c '
import json, sys
for name, about in json.load(sys.stdin)["/tern/pools"].items():
    print("  {:6} {:5} {:7} {:6} chosen".format(name, about["state"], about["check"], about["chosen"]))'
}

# Waits until the line of a backend in states() holds this word.
expect_state() {
  for _ in {1..100}; do
    if states | grep -q "^  web/$1 *$2 "; then return; fi
    sleep 0.1
  done
  states
  fail "backend $1 was not $2 within ten seconds"
}

# A client that asks again and again until it is told to stop, and writes down who answered, and what failed.
ask_on() {
  while [[ ! -e $work/stop ]]; do
    in_namespace curl --silent --show-error --max-time 5 "http://$server/" || echo FAILED
  done
}

# How often each word has come since the last time.
answers_since() {
  tail -n "+$((answered + 1))" "$work/answers" | sort | uniq -c | sed 's/^/  /'
  answered=$(wc -l <"$work/answers")
}

show_balancing() {
  local name answered=0 asking
  for name in a b c; do expect_state "$name" UP; done
  say "Three servers behind tern"
  states
  echo "  the servers take the client for: $(in_namespace curl --silent --max-time 5 "http://$server/client")"
  ask_on >"$work/answers" 2>"$work/curl.log" &
  asking=$!
  sleep 3
  say "Who answered a client that keeps asking"
  answers_since
  say "Server b is killed"
  kill_backend b
  sleep 3
  answers_since
  expect_state b DOWN
  states
  say "Server b returns, and gets its share by and by"
  start_backend b
  expect_state b UP
  sleep 5
  answers_since
  states
  touch "$work/stop"
  wait "$asking"
  # What b had under way when it was killed is lost with it; a client that came later must not notice.
  local failed
  failed=$(grep -c FAILED "$work/answers") || true
  if ((failed > 1)); then
    cat "$work/curl.log"
    fail "$failed of $(wc -l <"$work/answers") requests failed"
  fi
  say "$(wc -l <"$work/answers") requests; failed, being under way as b was killed: $failed"
}
