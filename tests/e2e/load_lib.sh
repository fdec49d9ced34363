# Sourced by what puts load on real servers: HAProxy and nginx as their examples configure them,
# each before a TPM that is as slow as one wants, and bench_load's clients.
# shellcheck shell=sh
. "$RATLS_SOURCE_DIR/tests/e2e/lib.sh"

bench_load=$RATLS_BINARY_DIR/bin/bench_load
[ -x "$bench_load" ] || fail "bench_load is not built"
# For thousands of connections; a user who may not have as many gets what he may have.
# shellcheck disable=SC3045 # dash and bash have it
raise_limit() {
    ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"
    clients_max=$(($(ulimit -n) - 200))
}
raise_limit

prepare_load() {
    need haproxy nginx
    prepare
    cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
}

pid_of() { # pid_of NAME: of what start() started
    eval "echo \$pid_of_$1"
}

pin() { # pin NAME CORE: a program keeps to this core, if there are several
    [ "$(nproc)" -lt 2 ] || taskset -a -c -p "$2" "$(pid_of "$1")" >/dev/null
}

# shellcheck disable=SC2034 # of who sources this
not_ahead=
# shellcheck disable=SC2034
put_ahead() { # put_ahead NAME: of a stand-in for a chip, which never waits for a processor
    chrt --all-tasks --fifo --pid 1 "$(pid_of "$1")" 2>/dev/null ||
        renice -n -10 -p "$(pid_of "$1")" >/dev/null 2>&1 ||
        not_ahead="no permission for chrt, nor for renice"
}

# Quotes take MS; $work/quotes_NAME has a line for each.
start_slow_tpm() { # start_slow_tpm NAME MS [OPTION...]
    slow=$1 slow_ms=$2
    shift 2
    start_mux_at "mux_$slow" --delay-ms "$slow_ms" --tally "$work/quotes_$slow" "$@"
    : >>"$work/quotes_$slow"
    sed "\$a tcti = $tcti" "$work/server.cnf" >"$work/server_$slow.cnf"
}

start_load_agent() { # start_load_agent MS: ratlsd, before a TPM of this latency
    start_slow_tpm agent "$1"
    agent_socket=$work/run/agent.sock
    callers=$(id -un)
    [ "$(id -u)" -ne 0 ] || callers="haproxy www-data"
    {
        printf 'state: %s\ntcti: %s\nsocket: %s\n' "$state" "$tcti" "$agent_socket"
        printf 'boot-log: none\nima-list: none\n'
        [ "$(id -u)" -ne 0 ] || printf 'user: daemon\nsocket-mode: 0666\n'
        echo clients:
        for caller in $callers; do
            printf '  - user: %s\n    services: [default]\n' "$caller"
        done
    } >"$work/ratlsd.yaml"
    start ratlsd "$RATLS_BINARY_DIR/bin/ratlsd" --config "$work/ratlsd.yaml"
    wait_for 10 takes_connections "$agent_socket" || fail "ratlsd does not start"
}

ask_agent() { # ask_agent NAME: a server of this name does, and has no TPM of its own
    sed "s|^state = .*|agent = $agent_socket|" "$work/server.cnf" >"$work/server_$1.cnf"
    ln -sf "$work/quotes_agent" "$work/quotes_$1"
}

serve_load() { # serve_load NAME COMMAND...: at $port, by the TPM of this name
    serving=$1
    shift
    start "$serving" env OPENSSL_CONF="$work/server_$serving.cnf" "$@"
    wait_until_listening "$serving" "$port"
    eval "port_of_$serving=$port"
}

# start_load_haproxy NAME THREADS [EACH]: limited as ratls-provider(7) has it. EACH: how many
# descriptors each connection may have; 2 do where clients ask for nothing. $connections_max then.
# shellcheck disable=SC3045
start_load_haproxy() {
    connections_max=$((clients_max / ${3:-3}))
    port=$(free_port)
    use_haproxy
    sed -e '/^ *\(ssl-mode-async\|nbthread\|maxconn\|maxpipes\)/d' \
        -e "s/^global\$/&\n    ssl-mode-async\n    nbthread $2\n    maxconn $connections_max/" \
        -e "s/^global\$/&\n    maxpipes $((connections_max * (${3:-3} - 2) / 2))/" \
        "$work/haproxy.cfg" >"$work/haproxy_$1.cfg"
    serve_load "$1" prlimit --nofile="1024:$(ulimit -Hn)" haproxy -f "$work/haproxy_$1.cfg"
}

start_load_nginx() { # start_load_nginx NAME: with two workers
    port=$(free_port)
    use_example nginx.conf
    sed -e "s|nginx\\.pid|nginx_$1.pid|" -e 's/^events {/&\n    worker_connections 4096;/' \
        -e 's|access_log .*;|access_log off;|' "$work/nginx.conf" >"$work/nginx_$1.conf"
    serve_load "$1" nginx -c "$work/nginx_$1.conf" -g 'daemon off;'
}

load_core=
load_on_core() { # load_on_core N: from now on bench_load keeps to this core
    [ "$(nproc)" -lt 2 ] || load_core="taskset -c $1"
}

load_of() { # load_of NAME [OPTION...]: clients at the server of this name; one line of JSON
    loading=$1 load_port=
    shift
    eval "load_port=\$port_of_$loading"
    # shellcheck disable=SC2086 # words of ours
    $load_core "$bench_load" --connect "$address:$load_port" --name "$name" \
        --ca "$work/server.pem" --tally "$work/quotes_$loading" --json "$@"
}
