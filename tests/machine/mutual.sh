#!/bin/sh
# Two machines, each with a TPM of its own, that verify each other as examples/mutual has it: the
# bank's nginx is an attested server to its clients, and an attested client of the vault's nginx.
# The policies are learned from zero. A change of either machine is found by the other.
# shellcheck disable=SC2154
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
vault=vault.bank.example

# The vault talks to nobody whom it does not know: that it has started is enough.
serves() {
    [ "$1" = vault ] || visit / >/dev/null 2>&1
}

# visit PATH: a client of the bank that asks for no evidence.
visit() {
    curl --silent --show-error --fail --max-time 30 --cacert "$images/server.pem" \
        --resolve "$name:$port_of_bank:$address" "https://$name:$port_of_bank$1"
}

# ---- what the operators of both install

# install_side NAME EXAMPLE: its two files of examples/mutual, where our machines look for them.
install_side() {
    sed -e 's|/usr/local/share/ratls/openssl.cnf|/etc/ratls/ratls.cnf|' \
        "$examples/mutual/$2.cnf" >"$work/side.cnf"
    printf 'module = /usr/lib/ratls.so\n' >>"$work/side.cnf"
    sed -e 's|0\.0\.0\.0:[0-9]*|0.0.0.0:443|' -e 's|127\.0\.0\.1:9443|10.0.2.100:443|' \
        -e 's|^worker_processes .*|worker_processes 1;|' \
        -e "s|/run/ratls/$2-nginx-error.log|/dev/ttyS0|" -e "s|/run/ratls/$2-|/run/|" \
        "$examples/mutual/$2-nginx.conf" >"$work/side-nginx.conf"
    put_file "$1" /etc/ratls/openssl.cnf "$work/side.cnf" 0644
    put_file "$1" /etc/nginx.conf "$work/side-nginx.conf" 0644
}

# learn_in NAME FILE OPTIONS: what the machine is now, as it says itself; $work/FILE/ gets it.
learn_in() {
    in_guest "$1" "mkdir -p /run/learned && ratls policy learn --local $3 --out /run/learned/$2" \
        >"$work/learn.log" 2>&1 || fail "ratls policy learn in the guest"
    mkdir "$work/$2"
    in_guest "$1" "tar -c -C /run/learned . | base64" | base64 -d | tar -x -C "$work/$2" ||
        fail "$2 does not arrive"
    want_signed "$work/$2/$2"
    ok "a policy is learned: ratls policy learn --local $3"
}

# Each machine measures the policy by which it judges the other, and that has the digests of what
# the other measures: neither can be listed before the other is. So the IT department signs both.
want_signed() { # want_signed POLICY
    cp "$images/ima.pem" "$(dirname "$1")/"
    sed -i -e '/^ima:/a\  signed-by: [ima.pem]' \
        -e '/^ima:/a\  signature-required: ["/etc/ratls/policies/*", "/etc/ratls/clients/*"]' "$1"
}

# install_policy NAME TARGET FILE: what lies in $work/FILE/, signed; the machine is off.
install_policy() {
    for file in "$work/$3"/*; do
        put_file "$1" "$2/${file##*/}" "$file" 0644
        sign_file "$1" "$2/${file##*/}" "$images/ima.key"
    done
}

# ---- both for the first time

new_machine bank
fresh_machine vault
bank_name=$name name=$vault
make_certificate vault
name=$bank_name
install_side bank front
install_side vault vault
put_file bank /etc/ratls/vault-ca.pem "$work/vault.pem" 0644
put_file vault /etc/ratls/server.pem "$work/vault.pem" 0644
put_file vault /etc/ratls/server.key "$work/vault.key" 0600
put_file vault /etc/ratls/front-ca.pem "$images/server.pem" 0644
expose vault 443
forward bank 443 "$address" "$exposed"
boot_machine vault
in_guest vault "ratls init --state /var/lib/ratls --tcti device:/dev/tpmrm0 && start-agent" \
    >"$work/init.log" || fail "ratls init in the guest"
boot_machine bank
expect failure "without policies for each other the two do nothing for each other" visit /vault/
has 502
expect 0 "... while the bank attests to its clients as ever" "$ratls" policy learn \
    --server-name "$name" --out "$policy" --force "$address:$port_of_bank"
want_signed "$policy"
learn_in bank bank.yaml "--client-name $name"
learn_in vault vault.yaml "--server-name $vault"
expect 1 "what is learned must not lie where it is measured itself" in_guest bank \
    "ratls policy learn --local --client-name $name --out /root/learned.yaml"
has "let --out be where IMA measures nothing, such as /run/learned/learned.yaml"
in_guest bank "mkdir /etc/ratls/policies && sync"
in_guest vault "mkdir /etc/ratls/clients && sync"
halt_machine bank
halt_machine vault
install_policy bank /etc/ratls/policies vault.yaml
install_policy vault /etc/ratls/clients bank.yaml

# ---- what a client sees

evidence_of() { # evidence_of NAME: how often its agent has attested
    in_guest "$1" "ratlsd --status" | sed -n 's/^ratls_evidence_total{service="default"} //p'
}

# Of a client of this host that asks the vault itself; with the options of accepted and refused.
judge_vault() { # judge_vault accepted|refused WHAT ...
    bank_name=$name bank_policy=$policy judge=$1
    shift
    name=$vault policy=$work/vault.yaml/vault.yaml
    case $judge in
    accepted) accepted vault "$@" --ca "$work/vault.pem" ;;
    refused) refused vault "$@" -- --ca "$work/vault.pem" ;;
    esac
    name=$bank_name policy=$bank_policy
}

all_is_good() { # all_is_good WHEN
    expect 0 "$1: the bank and the vault verify each other, and the vault opens" visit /vault/
    has "the vault is open to CN=$name"
    accepted bank "... a client accepts the bank"
    judge_vault accepted "... and the vault"
}

# refused_in_log NAME PEER CHECK WORDS: why this machine refused the other, in the log of its nginx.
refused_in_log() {
    # It is on a terminal, and in colour.
    tr -d '\r\033' <"$work/console_$1.log" | sed 's/\[[0-9;]*m//g' |
        awk '/^[^ ]/ { within = /^ratls: .*REFUSED/ } within' >"$work/refusals"
    has "REFUSED  $2: $3 (required: " "$work/refusals"
    failed_are "$3" "$work/refusals"
    has "$4" "$work/refusals"
}

# ---- both know each other

boot_machine vault
boot_machine bank
before=$(evidence_of bank)
expect 0 "with policies for each other the two verify each other, and the vault opens" visit /vault/
has "the vault is open to CN=$name"
[ $(($(evidence_of bank) - ${before:-0})) -eq 1 ] || fail "the bank's agent did not attest once"
ok "... the bank's agent attested to the vault, for an nginx that may not use the TPM"
all_is_good "again"

# ---- the bank changes

run_script bank /root/new-program 'echo new' >"$work/program.log" || fail "run_script"
expect 22 "a program was run on the bank: the vault stays shut" visit /vault/
has 502
refused_in_log vault "$name" ima.allow /root/new-program
expect 0 "... while the bank serves clients that ask for no evidence" visit /
refused bank "... and one that does refuses it, too" ima.allow /root/new-program
judge_vault accepted "... and accepts the vault"
reboot_machine bank
all_is_good "after a new start of the bank"

# ---- the vault changes

is_noticed() {
    ! visit /vault/ >/dev/null 2>&1 && grep -aq 'ima\.signature' "$work/console_bank.log"
}

# Somebody opens it to more machines than the bank. The signature does not fit any more.
in_guest vault "sed \"s/'$name'/'*'/\" /etc/ratls/clients/bank.yaml >/run/open.yaml && \
cat /run/open.yaml >/etc/ratls/clients/bank.yaml && kill -HUP \$(cat /run/nginx.pid)" ||
    fail "in_guest"
wait_for 20 is_noticed || fail "the bank does not notice it"
asked_before=$(in_guest vault "wc -l </run/nginx-access.log")
expect 22 "the vault would serve other machines, too: the bank takes nothing from it" visit /vault/
has 502
refused_in_log bank "$vault" ima.signature /etc/ratls/clients/bank.yaml
[ "$(in_guest vault "wc -l </run/nginx-access.log")" = "$asked_before" ] ||
    fail "the vault got a request"
ok "... and has asked it for nothing"
accepted bank "... a client accepts the bank"
judge_vault refused "... and not the vault" ima.signature /etc/ratls/clients/bank.yaml
halt_machine vault
install_policy vault /etc/ratls/clients bank.yaml
boot_machine vault
all_is_good "with the policy of before"
