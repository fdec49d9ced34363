#!/bin/sh
# Two machines as examples/mutual has them: an unmodified nginx that is an attested server to its
# clients and an attested client of the nginx behind it, both with evidence of ratlsd, by
# openssl.cnf alone.
. "$(dirname "$0")/lib.sh"
need nginx curl
. "$(dirname "$0")/agent_lib.sh"

# prepare_side SIDE NAME: TPM, key and certificate of one machine, and its agent.
prepare_side() {
    name=$2
    mkdir -p "$work/$1/policies" "$work/$1/clients"
    chmod 755 "$work/$1" "$work/$1/policies" "$work/$1/clients"
    start_tpm "$1_tpm"
    init_machine "$1/state"
    make_certificate "$1/server"
    eval "tcti_of_$1=\$tcti"
    socket=$work/$1/run/agent.sock
    agent_conf "$server_user" '[default]'
    # Only the agent's user may use the TPM and see the state folder.
    [ "$(id -u)" -ne 0 ] || chown "$agent_user" "$work/$1_tpm/sock" "$work/$1_tpm/sock.ctrl"
    chmod 600 "$work/$1_tpm/sock" "$work/$1_tpm/sock.ctrl"
    chmod 700 "$state"
    mv "$work/ratlsd.yaml" "$work/$1/"
    start "ratlsd_$1" "$ratlsd" --config "$work/$1/ratlsd.yaml"
    wait_for 10 asks_agent || fail "ratlsd does not start"
}

# learn_side SIDE server|client FILE: what the machine is now, as it says itself.
learn_side() {
    "$ratls" policy learn --local --state "$work/$1/state" "--$2-name" "$name" \
        --pcrs sha256:0-7 --force --out "$3" >"$work/learn.log" 2>&1 || fail "ratls policy learn"
}

# use_side SIDE: its two files of examples/mutual, with our paths, ports and name.
use_side() {
    for file in "$1.cnf" "$1-nginx.conf"; do
        sed -e "s|/usr/local/share/ratls|$work/share|" -e "s|/etc/ratls|$work/$1|g" \
            -e "s|/run/ratls/agent|$work/$1/run/agent|g" -e "s|/run/ratls|$work|g" \
            -e "s|0\\.0\\.0\\.0:8443|$address:$port|" -e "s|0\\.0\\.0\\.0:9443|$address:$vault|" \
            -e "s|127\\.0\\.0\\.1:9443|$address:$vault|" \
            "$examples/mutual/$file" >"$work/$1/$file"
    done
    printf 'module = %s\n' "$module" >>"$work/$1/$1.cnf"
}

start_side() { # start_side SIDE PORT
    start "nginx_$1" env OPENSSL_CONF="$work/$1/$1.cnf" nginx -c "$work/$1/$1-nginx.conf" \
        -g 'daemon off;'
    wait_until_listening "nginx_$1" "$2"
}

extend_side() { # extend_side SIDE INDEX
    eval "tcti=\$tcti_of_$1"
    extend_pcr "$2"
}

need swtpm tpm2_pcrextend openssl "$python"
vault=$(free_port)
prepare_side vault vault.bank.example
learn_side vault server "$work/vault.yaml"
prepare_side front bank.example
mkdir "$work/policies"
learn_side front server "$work/policies/front.yaml"
cp "$work/vault/server.pem" "$work/front/vault-ca.pem"
cp "$work/front/server.pem" "$work/vault/front-ca.pem"
port=$(free_port)
use_side front
use_side vault
start_side vault "$vault"
start_side front "$port"
cp "$work/front/server.pem" "$work/"
client_conf

visit() { # visit [CURL OPTION...]: the vault, through the front
    verifying curl --silent --show-error --fail --max-time 30 --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" "$@" "https://$name:$port/vault/"
}

visit_plain() { # a client that asks the front for no evidence
    curl --silent --show-error --fail --max-time 30 --cacert "$work/server.pem" \
        --resolve "$name:$port:$address" "https://$name:$port/vault/"
}

attested_by_front() { # how often
    "$ratlsd" --status --socket "$work/front/run/agent.sock" |
        sed -n 's/^ratls_evidence_total{service="default"} //p'
}

# As they are learned: each without a policy for the other.
expect 22 "without policies for each other the two do nothing for each other" visit
expect 22 "... also for a client that does not verify" visit_plain
has 502
learn_side front client "$work/vault/clients/front.yaml"
mv "$work/vault.yaml" "$work/front/policies/"
reload HUP nginx_front nginx_vault
before=$(attested_by_front)
expect 0 "a client verifies the front, and the front and the vault verify each other" visit
has "the vault is open to CN=bank.example"
[ $(($(attested_by_front) - ${before:-0})) -eq 2 ] || fail "the agent did not attest twice"
ok "... the front's agent attested twice: to the client, and to the vault"
expect failure "the front's certificate and key alone do not open the vault" \
    curl --silent --show-error --fail --max-time 10 --cacert "$work/front/vault-ca.pem" \
    --resolve "vault.bank.example:$vault:$address" --cert "$work/front/server.pem" \
    --key "$work/front/server.key" "https://vault.bank.example:$vault/"
has "client REFUSED  bank.example: evidence.present" "$work/vault-nginx-error.log"

# Without its agent the front can attest to nobody, and the vault is not asked for anything.
stop ratlsd_front
expect 22 "without an agent the front gets nothing of the vault" visit_plain
has 502
has "no agent listens at $work/front/run/agent.sock" "$work/front-nginx-error.log"
start ratlsd_front "$ratlsd" --config "$work/front/ratlsd.yaml"
wait_for 10 asks_agent || fail "ratlsd does not start again"
wait_for 5 visit --output /dev/null 2>"$work/wait.log" ||
    fail "the front does not find its agent again"
ok "with the agent it does again, and needed no restart"

extend_side front 7
expect 22 "the front has changed: the vault refuses it" visit_plain
has 502
has "client REFUSED  bank.example: pcr.value" "$work/vault-nginx-error.log"
expect 35 "and so does a client that verifies" visit
has pcr.value

# The front is what it was, as far as its new policies go; now it is the vault that changes.
learn_side front client "$work/vault/clients/front.yaml"
learn_side front server "$work/policies/front.yaml"
stop nginx_vault
start_side vault "$vault"
requests=$(wc -l <"$work/vault-nginx-access.log")
requested() { # requested TIMES: it writes behind its answer
    [ "$(wc -l <"$work/vault-nginx-access.log")" -eq "$1" ]
}
expect 0 "with policies for what the front is now it is accepted again" visit
wait_for 5 requested $((requests + 1)) || fail "the vault's nginx has not written down who asked"
requests=$((requests + 1))
extend_side vault 7
expect 22 "the vault has changed: the front refuses it, and sends it nothing" visit
has 502
has "REFUSED  vault.bank.example: pcr.value" "$work/front-nginx-error.log"
requested "$requests" || fail "the vault got a request"
ok "... the vault got no request"
