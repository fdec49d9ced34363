# Sourced by every script of this folder: a folder, a loopback address and a TPM of its own,
# programs that are started and ended by their process ids, assertions that say what they saw.
# shellcheck shell=sh
set -eu

: "${RATLS_SOURCE_DIR:?}" "${RATLS_BINARY_DIR:?}"
ratls=$RATLS_BINARY_DIR/bin/ratls
examples=$RATLS_SOURCE_DIR/examples
support=$RATLS_SOURCE_DIR/tests/e2e/support
PATH=$PATH:/usr/sbin:/sbin
# Debian's own: another Python may bring another OpenSSL.
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1 # the tree stays as it is
name=server.test
secret="pa55word-of-the-customer"
unset OPENSSL_CONF SSLKEYLOGFILE http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy
export LC_ALL=C NO_COLOR=1

work=$(mktemp -d)
# Servers that drop their privileges must reach the files that they are given.
chmod 711 "$work"
pids=
checks=0
patience_s=60 # of expect()
# An input that never ends, for programs that would end with it.
mkfifo "$work/input"
exec 9<>"$work/input"

finish() {
    code=$?
    trap - EXIT INT TERM
    for pid in $pids; do
        # A stopped process does not notice that it should end.
        kill -CONT "$pid" 2>/dev/null || true
        kill "$pid" 2>/dev/null || true
    done
    for pid in $pids; do
        wait_for 5 ended "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    if [ "$code" -ne 0 ] && [ "$code" -ne 77 ]; then
        for log in "$work"/*.log; do
            [ -s "$log" ] || continue
            echo "---- ${log##*/}"
            tail -n 30 "$log"
        done
    fi
    rm -rf "$work"
    [ "$code" -ne 0 ] || [ "$checks" -eq 0 ] || echo "$checks assertions held"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# ---- programs

skip() {
    echo "skipped: $*"
    exit 77
}

need() { # need PROGRAM...
    for program; do
        command -v "$program" >/dev/null || skip "$program is missing"
    done
}

ended() {
    ! kill -0 "$1" 2>/dev/null
}

wait_for() { # wait_for SECONDS COMMAND...
    tries=$(($1 * 50))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.02
    done
}

start() { # start NAME COMMAND...: its output goes to NAME.log, its process id to $pid_of_NAME
    started=$1
    shift
    : >"$work/$started.log" # at once: nobody waits for words that stand there from before
    "$@" >>"$work/$started.log" 2>&1 <&9 &
    eval "pid_of_$started=$!"
    pids="$pids $!"
}

stop() { # stop NAME
    stopping=
    eval "stopping=\$pid_of_$1"
    kill "$stopping" 2>/dev/null || true
    wait_for 5 ended "$stopping" || kill -KILL "$stopping" 2>/dev/null || true
    wait "$stopping" 2>/dev/null || true
    forget "$stopping"
}

# forget PID: it has ended, and the number may be another's by the time when all are ended.
forget() {
    remembered=
    for known in $pids; do
        [ "$known" = "$1" ] || remembered="$remembered $known"
    done
    pids=$remembered
}

# For a moment the old workers serve beside the new ones, with keys that may be gone from the TPM.
# reload SIGNAL NAME...: HUP is for nginx, USR2 for HAProxy; until their old workers are gone.
reload() {
    signal=$1 old=
    shift
    for reloaded in "$@"; do
        reloading=$(eval "echo \"\$pid_of_$reloaded\"")
        old="$old $(cat "/proc/$reloading/task/$reloading/children")"
        kill "-$signal" "$reloading"
    done
    for worker in $old; do
        wait_for 20 ended "$worker" || fail "an old worker of $reloaded does not end"
    done
}

# A loopback address of our own, so that tests that run at the same time cannot meet on a port.
address=127.$((($$ >> 16) % 250 + 1)).$((($$ >> 8) % 256)).$(($$ % 254 + 1))

free_port() {
    "$python" -c 'import socket, sys
s = socket.socket()
s.bind((sys.argv[1], 0))
print(s.getsockname()[1])' "$address"
}

listens() { # listens PORT: on our address, or on any; other tests may use the same number on theirs
    # /proc/net/tcp has addresses in the machine's byte order.
    awk -v port="$(printf '%04X' "$1")" -v address="$address" 'BEGIN {
        split(address, part, ".")
        ours = sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])
    } $4 == "0A" {
        split($2, local, ":")
        if (local[2] == port && (local[1] == ours || local[1] == "00000000")) found = 1
    } END { exit !found }' /proc/net/tcp
}

wait_until_listening() { # wait_until_listening NAME PORT
    waiting_for=
    eval "waiting_for=\$pid_of_$1"
    tries=1000
    until listens "$2"; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ] || ended "$waiting_for"; then
            fail "$1 does not listen on port $2"
        fi
        sleep 0.02
    done
}

# ---- assertions

fail() {
    echo "FAILED: $*"
    exit 1
}

ok() {
    checks=$((checks + 1))
    echo "ok: $*"
}

# expect CODE WHAT COMMAND...: CODE is a number, or "failure" for any but 0. The output goes to
# $work/output.log, for has() and lacks().
expect() {
    wanted=$1 what=$2
    shift 2
    code=0
    "$@" >"$work/output.log" 2>&1 </dev/null &
    running=$!
    pids="$pids $running"
    wait_for "$patience_s" ended "$running" || fail "$what: does not end: $*"
    wait "$running" || code=$?
    forget "$running"
    case $wanted in
    failure) [ "$code" -ne 0 ] || fail "$what: ended with 0: $*" ;;
    *) [ "$code" -eq "$wanted" ] || fail "$what: ended with $code, not $wanted: $*" ;;
    esac
    ok "$what"
}

has() { # has TEXT [FILE]
    grep -qF -- "$1" "${2:-$work/output.log}" || fail "'$1' is not in ${2:-the output}"
    ok "... says '$1'"
}

lacks() { # lacks TEXT [FILE]
    [ -e "${2:-$work/output.log}" ] || fail "there is no $2"
    if grep -qF -- "$1" "${2:-$work/output.log}"; then
        fail "'$1' is in ${2:-the output}"
    fi
    ok "... and not '$1'"
}

# ---- TPM

takes_connections() { # takes_connections SOCKET: the file is there a moment before somebody listens
    grep -q " 00010000 .* $1\$" /proc/net/unix
}

start_tpm() { # start_tpm NAME: a software TPM at $tcti; a second start finds the same state
    tpm=$1
    mkdir -p "$work/$tpm"
    chmod 711 "$work/$tpm"
    rm -f "$work/$tpm/sock" "$work/$tpm/sock.ctrl"
    start "$tpm" swtpm socket --tpm2 --tpmstate "dir=$work/$tpm" \
        --server "type=unixio,path=$work/$tpm/sock" \
        --ctrl "type=unixio,path=$work/$tpm/sock.ctrl" --flags not-need-init,startup-clear
    wait_for 10 takes_connections "$work/$tpm/sock" || fail "swtpm does not start"
    wait_for 10 takes_connections "$work/$tpm/sock.ctrl" || fail "swtpm does not start"
    chmod 666 "$work/$tpm/sock" "$work/$tpm/sock.ctrl"
    tcti=swtpm:path=$work/$tpm/sock
}

# start_mux [OPTION...]: many connections to the TPM at once, as the kernel's resource manager gives
# them; $tcti is then its own. The options make the TPM slow: tests/support/tpm_mux.c.
start_mux() {
    start_mux_at mux "$@"
}

start_mux_at() { # start_mux_at NAME [OPTION...]: one of several before the same TPM
    mux=$RATLS_BINARY_DIR/bin/tpm_mux mux_at=$1
    shift
    [ -x "$mux" ] || fail "tpm_mux is not built"
    rm -f "$work/$mux_at" "$work/$mux_at.ctrl" # else one of before might get the rights below
    start "$mux_at" "$mux" --listen "$work/$mux_at" --tpm "$work/tpm/sock" "$@"
    wait_for 10 takes_connections "$work/$mux_at" || fail "tpm_mux does not start"
    wait_for 10 takes_connections "$work/$mux_at.ctrl" || fail "tpm_mux does not start"
    chmod 666 "$work/$mux_at" "$work/$mux_at.ctrl"
    tcti=swtpm:path=$work/$mux_at
}

extend_pcr() { # extend_pcr INDEX: as if other software had been started
    timeout 20 tpm2_pcrextend -T "$tcti" \
        "$1:sha256=1111111111111111111111111111111111111111111111111111111111111111"
}

# ---- keys, configurations, policies

make_certificate() { # make_certificate FILE [ALGORITHM...]: FILE.pem and FILE.key for $name
    file=$1
    shift
    [ $# -gt 0 ] || set -- -newkey ec -pkeyopt ec_paramgen_curve:P-256
    openssl req -x509 "$@" -nodes -keyout "$work/$file.key" -out "$work/$file.pem" -days 30 \
        -subj "/CN=$name" -addext "subjectAltName=DNS:$name,IP:$address" 2>"$work/req.log"
    chmod 644 "$work/$file.key"
}

# init_machine STATE: the attestation key of the TPM at $tcti, in the folder STATE.
init_machine() {
    state=$work/$1
    "$ratls" init --state "$state" --tcti "$tcti" >"$work/init.log" 2>&1 || fail "ratls init"
}

# The module and the skeleton lie beside the test's own files: a server without privileges may not
# reach the tree, and OpenSSL passes over an .include that it cannot read.
module=$work/ratls.so
cp "$RATLS_BINARY_DIR/ossl-modules/ratls.so" "$module"
mkdir -p "$work/share"
cp "$RATLS_BINARY_DIR/share/ratls/openssl.cnf" "$work/share/"

write_conf() { # write_conf FILE EXAMPLE: from examples/, with our own paths
    sed -e "s|/usr/local/share/ratls|$work/share|" \
        -e "s|/etc/ratls|$work|g" -e "s|/var/lib/ratls|${state:-$work/state}|g" \
        "$examples/$2" >"$work/$1"
    printf 'module = %s\n' "$module" >>"$work/$1"
}

server_conf() {
    write_conf server.cnf server/openssl.cnf
}

client_conf() {
    write_conf client.cnf client/openssl.cnf
}

# From here on only the programs themselves say why they refuse.
client_log_off() {
    sed -i '/^log = /d' "$work/client.cnf"
}

# attested COMMAND... and verifying COMMAND...: run a program with one environment variable more.
attested() {
    env OPENSSL_CONF="$work/server.cnf" "$@"
}

verifying() {
    env OPENSSL_CONF="$work/client.cnf" "$@"
}

learn_policy() { # $work/policies/server.yaml allows what the machine is now
    mkdir -p "$work/policies"
    "$ratls" policy learn --local --state "$state" --server-name "$name" --pcrs sha256:0-7 --force \
        --out "$work/policies/server.yaml" >"$work/learn.log" 2>&1 || fail "ratls policy learn"
}

# Everything that most tests begin with: a machine, its policy, and both configurations.
prepare() {
    need swtpm tpm2_pcrextend openssl "$python"
    start_tpm tpm
    init_machine state
    make_certificate server
    learn_policy
    server_conf
    client_conf
    port=$(free_port)
}

use_example() { # use_example FILE: $work/FILE is examples/server/FILE with our paths and ports
    sed -e "s|/etc/ratls|$work|g" -e "s|/run/ratls|$work|g" \
        -e "s|0\\.0\\.0\\.0:8443|$address:$port|g" \
        -e "s|127\\.0\\.0\\.1:8080|$address:${backend:-$port}|g" "$examples/server/$1" >"$work/$1"
}

use_haproxy() { # the example; only root can change the user
    use_example haproxy.cfg
    [ "$(id -u)" -eq 0 ] || sed -i '/^    \(user\|group\) /d' "$work/haproxy.cfg"
}

# ---- clients and servers that most tests use

get() { # get [CURL OPTION...]: the request carries $secret
    verifying curl --silent --show-error --fail --max-time 30 --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" --user "customer:$secret" "$@" "https://$name:$port/"
}

plain_get() { # a client without ratls
    curl --silent --show-error --fail --max-time 10 --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" "https://$name:$port/"
}

# A server of Python's ssl module that writes every byte which it decrypts to $work/received.
start_python_server() { # start_python_server attested|plain [CERTIFICATE [OPTION]]
    how=$1 certificate=${2:-server} option=${3:-}
    : >"$work/received"
    case $how in
    attested) set -- env OPENSSL_CONF="$work/server.cnf" "$python" "$support/server.py" ;;
    plain) set -- "$python" "$support/server.py" ;;
    esac
    [ -z "$option" ] || set -- "$@" "$option"
    start python "$@" "$address" "$port" "$work/$certificate.pem" "$work/$certificate.key" \
        "$work/received"
    wait_until_listening python "$port"
}

# A proxy that writes down each TLS record that clients send, and when they come and go.
start_recorder() { # clients use $port from now on, the server listens on $backend
    backend=$port
    port=$(free_port)
    : >"$work/records"
    start recorder "$python" "$support/recorder.py" "$address" "$port" "$backend" "$work/records"
    wait_until_listening recorder "$port"
}

all_is_recorded() { # until the clients of now have closed their connections
    wait_for 10 clients_are_gone || fail "a client does not close its connection"
}

clients_are_gone() {
    awk '$1 == "begin" { here++ } $1 == "end" { here-- } END { exit here != 0 }' "$work/records"
}

forget_records() { # what a client of before still sends is not to be taken for the next one's
    all_is_recorded
    : >"$work/records"
}

# After a refusal the client has sent its ClientHello, an alert, and nothing else: an encrypted
# alert is 19 bytes long, and no application data is as short in these tests.
only_an_alert_left() {
    all_is_recorded
    grep -q '^22 ' "$work/records" || fail "the client sent no ClientHello"
    [ "$(grep -cE '^(21 2|23 19)$' "$work/records")" -eq "$(grep -c begin "$work/records")" ] ||
        fail "the client sent no alert, or more: $(tr '\n' ' ' <"$work/records")"
    if grep -vE '^(begin|22 [0-9]+|20 1|21 2|23 19|end)$' "$work/records"; then
        fail "the client sent more than a ClientHello and an alert"
    fi
    ok "... and only a ClientHello and an alert left the client"
}
