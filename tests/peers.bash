# shellcheck shell=bash
# Other stand-ins for AWS to hold Millrace against: sourced by the scripts beside it.
# What is started ends with the script; logs are in $work until then.

work=$(mktemp -d)
started=()
cleanup() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

port() { # port: a free one on the loopback interface
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() { # answers PORT: waits until something answers there
    for _ in $(seq 300); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    echo "nothing answers on port $1:" >&2
    tail -n 5 "$work"/*.log >&2
    exit 1
}

# peer NAME: whether MILLRACE_AWS_PEERS names a virtual environment that has a program.
peer() {
    [ -n "${MILLRACE_AWS_PEERS:-}" ] && [ -x "$MILLRACE_AWS_PEERS/bin/$1" ] && return
    echo "skipped: $1; MILLRACE_AWS_PEERS names no virtual environment that has it"
    return 1
}

ministack() { # ministack PORT: starts it there
    GATEWAY_PORT=$1 MINISTACK_HOST=127.0.0.1 \
        "$MILLRACE_AWS_PEERS/bin/ministack" >"$work/ministack.log" 2>&1 &
    started+=($!)
    answers "$1"
}

moto() { # moto PORT: starts it there
    "$MILLRACE_AWS_PEERS/bin/moto_server" -H 127.0.0.1 -p "$1" >"$work/moto.log" 2>&1 &
    started+=($!)
    answers "$1"
}
