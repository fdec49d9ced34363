# Sourced behind lib.sh by tests in which clients attest: the client's machine, with a TPM and a
# state folder of its own.
# shellcheck shell=sh
: "${work:?}" "${ratls:?}" "${address:?}" "${secret:?}"

# prepare_client NAME: its certificate is $work/app.pem, its configuration $work/client.cnf, and
# what it must prove lies in $work/clients. Behind prepare(), of whose machine $tcti and $state are.
prepare_client() {
    server_tcti=$tcti server_state=$state server_name=$name
    mkdir -p "$work/clients"
    start_tpm client_tpm
    client_tcti=$tcti
    init_machine client_state
    name=$1
    make_certificate app
    "$ratls" policy learn --local --state "$state" --client-name "$name" --pcrs sha256:0-7 \
        --force --out "$work/clients/app.yaml" >"$work/learn.log" 2>&1 || fail "ratls policy learn"
    name=$server_name
    write_conf attesting.cnf client/openssl.cnf
    attest_by "$client_tcti" "$state"
    tcti=$server_tcti state=$server_state
}

attest_by() { # attest_by TCTI STATE: the client's machine
    sed -i -e '/^role = /d' -e '/^state = /d' -e '/^tcti = /d' "$work/attesting.cnf"
    printf 'role = both\nstate = %s\ntcti = %s\n' "$2" "$1" >>"$work/attesting.cnf"
}

demand_clients() { # the server's configuration
    printf 'clients = %s\nlog = stderr\n' "$work/clients" >>"$work/server.cnf"
    chmod 755 "$work/clients"
}

attesting() { # attesting COMMAND...
    env OPENSSL_CONF="$work/attesting.cnf" "$@"
}

attesting_get() { # attesting_get [CURL OPTION...]
    attesting curl --silent --show-error --fail --max-time 30 --cacert "$work/server.pem" \
        --resolve "$name:${port:?}:$address" --user "customer:$secret" --cert "$work/app.pem" \
        --key "$work/app.key" "$@" "https://$name:$port/"
}

certified_get() { # certified_get [CURL OPTION...]: without ratls, with the client's certificate
    curl --silent --show-error --fail --max-time 10 --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" --cert "$work/app.pem" --key "$work/app.key" "$@" \
        "https://$name:$port/"
}

extend_client() { # extend_client INDEX
    tcti=$client_tcti
    extend_pcr "$1"
    tcti=$server_tcti
}

use_other_client() { # the same certificate, on a machine that nobody knows
    start_tpm other_tpm
    init_machine other_state
    attest_by "$tcti" "$state"
    tcti=$server_tcti state=$server_state
}
