# Sourced, behind lib.sh, by the tests of endorsement keys, a CA and enrolment: TPMs that have
# certificates of their endorsement keys, the CA of whoever runs the machines, and how they meet.
# shellcheck shell=sh disable=SC2154
need swtpm swtpm_setup swtpm_localca openssl

# ---- makers of TPMs

use_maker() { # use_maker NAME: the local CA in $maker certifies what is manufactured from now on
    maker=$work/$1
    mkdir -p "$maker"
    for key in signingkey:signkey issuercert:issuercert; do
        echo "${key%:*} = $maker/${key#*:}.pem"
    done >"$maker.conf"
    echo "statedir = $maker" >>"$maker.conf"
    echo "certserial = $maker/serial" >>"$maker.conf"
    cat >"$maker.setup" <<END
create_certs_tool = $(command -v swtpm_localca)
create_certs_tool_config = $maker.conf
create_certs_tool_options = /dev/null
active_pcr_banks = sha256
END
}
use_maker localca

# manufacture NAME [OPTION...]: a TPM with certificates of its endorsement keys, RSA 2048 (or what
# --rsa-keysize says) and P-384; then it runs, and $tcti is its own.
manufacture() {
    made=$1
    shift
    mkdir -p "$work/$made"
    swtpm_setup --tpm2 --tpmstate "$work/$made" --create-ek-cert --config "$maker.setup" \
        "$@" >"$work/setup.log" 2>&1 || fail "swtpm_setup: $(tail -n 5 "$work/setup.log")"
    start_tpm "$made"
    export TPM2TOOLS_TCTI="$tcti"
}

# make_machine NAME [OPTION...]: a manufactured TPM, and the state folder NAME.state with a key.
make_machine() {
    manufacture "$@"
    init_machine "$made.state"
}

# on MACHINE COMMAND [OPTION...]: a command of ratls that works on the state folder of a machine,
# and so on its TPM. Those of `ratls ca` are two words: on NAME "ca request" ...
on() {
    machine=$1 command=$2
    shift 2
    # shellcheck disable=SC2086 # one word, or two
    "$ratls" $command --state "$work/$machine.state" "$@"
}

ek_of() { # ek_of MACHINE [TEMPLATE]: SHA-256 of its endorsement key, of L-1 if not said otherwise
    "$ratls" roots check --roots "$ca/roots" --tcti "swtpm:path=$work/$1/sock" \
        --software-tpm insecure-allow --json | "$python" -c 'import json, sys
for key in json.load(sys.stdin)["endorsementKeys"]:
    if key["template"] == sys.argv[1]:
        print(key["ekSha256"])' "${2:-L-1}"
}

# ---- the CA

quietly() { # quietly COMMAND...: it must work; what it says goes to enrol.log
    "$@" >"$work/enrol.log" 2>&1 || fail "$*"
}

# make_ca: the CA in the folder $ca, which issues names below .$domain to the TPMs of $maker. Its
# store is $store, or a folder; eks.csv is there for rules. Standard input is more of ca.yaml.
domain="test" store=""
make_ca() {
    ca=$work/ca
    mkdir -p "$ca"
    : >"$ca/eks.csv"
    quietly "$ratls" roots import --roots "$ca/roots" "$maker"
    cat >"$ca/ca.yaml" <<END
ca: 1
store: ${store:-$ca/store}
roots: roots
issuers:
  - certificate: ca.crt
    key: ca.key
names: ["*.$domain"]
software-tpm: insecure-allow
END
    cat >>"$ca/ca.yaml"
    quietly at_ca init
}

at_ca() { # at_ca COMMAND [OPTION...]: ratls ca COMMAND, with this CA's configuration
    command=$1
    shift
    "$ratls" ca "$command" --config "$ca/ca.yaml" "$@"
}

# make_token [OPTION of ratls ca token...]: a new token in the file $token_file
make_token() {
    token_file=$work/token
    rm -f "$token_file"
    quietly at_ca token -o "$token_file" "$@"
}

# enrol_files MACHINE NAME [OPTION...]: by the files NAME.req, .chal, .ans and .crt in $work. The
# options are of `ratls ca request`; the CA must have a rule for this EK, or there is a token.
enrol_files() {
    enrolling=$1 files=$work/$2
    shift
    quietly on "$enrolling" "ca request" -o "$files.req" "$@"
    quietly at_ca challenge -o "$files.chal" "$files.req"
    quietly on "$enrolling" "ca answer" --request "$files.req" -o "$files.ans" "$files.chal"
    quietly at_ca issue -o "$files.crt" "$files.ans"
    quietly on "$enrolling" "ca install" --ca "$ca/ca.crt" "$files.crt"
}

# mux_of MACHINE: many connections to its TPM at once; $tcti is the way.
mux_of() {
    mux=$RATLS_BINARY_DIR/bin/tpm_mux
    [ -x "$mux" ] || fail "tpm_mux is not built"
    start "mux_$1" "$mux" --listen "$work/$1.mux" --tpm "$work/$1/sock" --disarmed
    wait_for 10 takes_connections "$work/$1.mux" || fail "tpm_mux does not start"
    wait_for 10 takes_connections "$work/$1.mux.ctrl" || fail "tpm_mux does not start"
    chmod 666 "$work/$1.mux" "$work/$1.mux.ctrl"
    tcti=swtpm:path=$work/$1.mux
}

is_served() {
    curl --silent --fail --max-time 5 --unix-socket "$ca/sock" http://localhost/v1/health \
        >"$work/health.log"
}

serve_ca() { # the service, at $ca_url
    ca_url=unix:$ca/sock
    start ca_service "$ratls" ca serve --config "$ca/ca.yaml" --listen "$ca_url"
    wait_for 10 is_served || fail "ratls ca serve does not start"
}

enrol() { # enrol MACHINE [OPTION...] NAME...: at the service; by $ratls enroll
    enrolling=$1
    shift
    on "$enrolling" "enroll $ca_url" --ca "$ca/ca.crt" "$@"
}

# ---- its machines as servers, and a client that knows only the CA

# web MACHINE NAME...: nginx of a machine, at $port_of_MACHINE, with evidence of its TPM. The TLS
# certificate is for all names.
web() {
    web=$1 name=$2 state=$work/$1.state
    shift
    names=$(printf ',DNS:%s' "$@")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
        -keyout "$work/$web.key" -out "$work/$web.pem" -subj "/CN=$name" \
        -addext "subjectAltName=${names#,}" 2>"$work/req.log"
    port=$(free_port)
    eval "port_of_$web=$port"
    write_conf "$web.cnf" server/openssl.cnf
    use_example nginx.conf
    sed -E -e "s#/server\.(pem|key)#/$web.\1#" -e "s#/nginx(\.pid|-error|-access)#/$web\1#" \
        "$work/nginx.conf" >"$work/$web.conf"
    start_web "$web"
}

start_web() { # start_web MACHINE: again
    eval "port=\$port_of_$1"
    start "web_$1" env OPENSSL_CONF="$work/$1.cnf" nginx -c "$work/$1.conf" -g 'daemon off;'
    wait_until_listening "web_$1" "$port"
}

# trust_ca [LINE...]: $work/policies/all.yaml accepts every machine below .$domain that the CA has
# certified, in the state of the machine in $state now; lines of the issuer's entry, such as a CRL.
trust_ca() {
    mkdir -p "$work/policies"
    quietly "$ratls" policy learn --local --state "$state" --server-name "any.$domain" --values \
        --pcrs sha256:0-7 --force --out "$work/learned.yaml"
    cp "$ca/ca.crt" "$work/policies/"
    {
        sed -e '/^attestation-keys:/,/^[a-z]/ { /^attestation-keys:/d; /^ /d; }' \
            -e "s/any\\.$domain/*.$domain/" "$work/learned.yaml"
        printf 'software-tpm: insecure-allow\nattestation-keys:\n  - issuer: ca.crt\n'
        printf '    %s\n' "$@"
    } >"$work/policies/all.yaml"
}

ask() { # ask MACHINE NAME: curl, attested; the request carries $secret
    eval "port=\$port_of_$1"
    name=$2
    verifying curl --silent --show-error --fail --max-time 30 --cacert "$work/$1.pem" \
        --resolve "$name:$port:$address" --user "customer:$secret" "https://$name:$port/"
}

probe() { # probe MACHINE NAME: the tool, by the same policies
    eval "port=\$port_of_$1"
    "$ratls" probe --policy "$work/policies" --server-name "$2" --ca "$work/$1.pem" "$address:$port"
}
