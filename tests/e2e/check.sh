#!/bin/sh
# `ratls check`: what OpenSSL passes over in silence is said, and what the provider cannot use. A
# program beside it shows whether it is as `ratls check` says.
# shellcheck disable=SC2154,SC2016 # pid_of_ANYTHING is set by start; `key = value` is no command
. "$(dirname "$0")/lib.sh"
prepare

check() { # check FILE
    "$ratls" check "$1"
}
line() { # line SUBJECT TEXT: one line begins with the one, and goes on with the other
    grep -qE "^  $1 +$2" "$work/output.log" || fail "no line '$1 $2'"
    ok "... says '$1: $2'"
}
works_with() { # works_with FILE: a program finds algorithms
    env OPENSSL_CONF="$1" openssl dgst -sha256 "$work/server.pem"
}
# change WHAT SED [FILE]: $work/changed.cnf is the client's configuration, or FILE, with a mistake
change() {
    what=$1
    sed "$2" "${3:-$work/client.cnf}" >"$work/changed.cnf"
    ! cmp -s "${3:-$work/client.cnf}" "$work/changed.cnf" || fail "$what: nothing is changed"
}
unattested() { # unattested WHAT SUBJECT TEXT: of what change() made
    expect 0 "$1: a program works, and OpenSSL says nothing" works_with "$work/changed.cnf"
    expect 1 "... ratls check does" check "$work/changed.cnf"
    line "$2" "wrong: $3"
    has "not good: ratls is not loaded, and programs go on UNATTESTED"
}
closed() { # closed WHAT TEXT
    expect failure "$1: a program does not work" works_with "$work/changed.cnf"
    expect 1 "... ratls check says why" check "$work/changed.cnf"
    line ratls "wrong: $2"
    has "not good: ratls is not loaded, and programs have no algorithms"
}
unusable() { # unusable WHAT SUBJECT TEXT
    expect 1 "$1" check "$work/changed.cnf"
    line ratls "is loaded"
    line "$2" "wrong: $3"
    has "not good: ratls is loaded, but handshakes fail"
}

# ---- good ones

expect 0 "a server's configuration" check "$work/server.cnf"
line ratls "is loaded"
line "without ratls" "programs would have no algorithms"
line role server
line attester "makes evidence \\(asked as user $(id -un)\\)"
lacks policy
has "good: programs attest to their clients with this file"
expect 0 "a client's" check "$work/client.cnf"
line role client
line policy "can be used"
lacks attester
has "good: programs verify their servers with this file"
"$ratls" policy learn --local --state "$state" --client-name app.test --pcrs sha256:0-7 \
    --out "$work/clients.yaml" >"$work/learn.log" 2>&1 || fail "ratls policy learn"
both="role = both\\npolicy = $work/policies\\nclients = $work/clients.yaml"
change "both roles" "s|^role = .*|$both|" "$work/server.cnf"
expect 0 "$what" check "$work/changed.cnf"
line role both
line policy "can be used"
line clients "their policy can be used"
line attester "makes evidence"
has "good: programs attest to their clients, and verify their servers with this file"
expect 0 "the file of the environment" env OPENSSL_CONF="$work/client.cnf" "$ratls" check
has "$work/client.cnf"
expect 1 "the system's own" env OPENSSL_CONF=/etc/ssl/openssl.cnf "$ratls" check
has "UNATTESTED"
expect 2 "no file at all" env OPENSSL_CONF= "$ratls" check
has "OpenSSL reads no file"
expect 2 "two files" "$ratls" check "$work/client.cnf" "$work/server.cnf"

# ---- what OpenSSL passes over

change "openssl_conf is misspelt" 's/^openssl_conf/opensl_conf/'
unattested "$what" ratls '`openssl_conf = SECTION` is missing before the first section'
change "openssl_conf names nothing" 's/^openssl_conf = .*/openssl_conf = ratls_cnf/'
unattested "$what" ratls 'it says `openssl_conf = ratls_cnf`, but there is no section'
change "providers is misspelt" 's/^providers/provders/'
unattested "$what" ratls '`providers = SECTION` is missing in \[ratls_conf\]'
change "the section of providers is misspelt" 's/^\[ratls_providers\]/[ratls_provider]/'
unattested "$what" ratls \
    '\[ratls_conf\] says `providers = ratls_providers`, but there is no section'
change "no provider is named" '/^base = /d; /^ratls = /d'
unattested "$what" ratls '\[ratls_providers\] does not name ratls'
change "nothing is activated" '/^activate/d'
unattested "$what" ratls '\[ratls\] does not activate it'
change "something else fails before" 's/^providers/ssl_conf = nosuch\n&/'
unattested "$what" ratls \
    'OpenSSL stops before it comes to ratls: ssl section not found: section=nosuch'
change "a line is none" 's/^openssl_conf/nonsense\n&/'
row=$(grep -n nonsense "$work/changed.cnf" | cut -d : -f 1)
unattested "$what" file "$work/changed.cnf:$row: missing equal sign\$"
change "a variable is not set" 's/^policy = .*/policy = $ENV::NOT_SET/'
row=$(grep -n NOT_SET "$work/changed.cnf" | cut -d : -f 1)
unattested "$what" file "$work/changed.cnf:$row: variable has no value\$"
change "an .include is missing" "s|^\\.include.*|.include $work/nosuch.cnf|" "$work/server.cnf"
unattested "$what" ratls '`openssl_conf = SECTION` is missing'
line .include "warning: OpenSSL passes over $work/nosuch.cnf: No such file or directory"
rm "$work/changed.cnf"
unattested "the file is missing" file "$work/changed.cnf: No such file or directory"

# ---- what stops programs, and nobody says why

change "the section of ratls is missing" 's/^\[ratls\]/[ratsl]/'
closed "$what" '\[ratls_providers\] says `ratls = ratls`, but there is no section \[ratls\]'
change "the module is missing" "s|^module = .*|module = $work/nosuch.so|"
closed "$what" ".*$work/nosuch.so: cannot open .*: No such file .*; \`module\` in \[ratls\]"
change "it is no module" "s|^module = .*|module = $work/server.pem|"
closed "$what" ".*$work/server.pem: .*"
change "a role is misspelt" 's/^role = .*/role = klient/'
closed "$what" '\[ratls\]: role = klient: must be server, client or both$'
[ "$(grep -c "^ratls: $work/changed.cnf: the provider's section:" "$work/output.log")" -eq 1 ] ||
    fail "the provider itself does not say it once (log = stderr)"
change "a key is misspelt" 's/^policy = .*/&\nunlsted = plain/'
closed "$what" '\[ratls\]: unlsted: unknown key'
# Beside a provider with algorithms the same goes on unattested.
change "default is activated, too" 's/^base = .*/&\ndefault = ratls_base/'
expect 0 "$what: a warning" check "$work/changed.cnf"
line "without ratls" "warning: programs would go on UNATTESTED if its module were missing"
has "good, but for the warnings: programs verify their servers"
cp "$work/changed.cnf" "$work/numbered.cnf"
sed -i 's/^ratls = /2.&/; /^\[ratls\]/,$s/^activate/2.&/' "$work/numbered.cnf"
expect 0 "with numbers, as OpenSSL takes them: the same" check "$work/numbered.cnf"
line "without ratls" "warning: programs would go on UNATTESTED if its module were missing"
sed -i 's/^providers = /providers.2 = /' "$work/numbered.cnf"
expect 0 "a list that is not followed: a warning" check "$work/numbered.cnf"
line "without ratls" "warning: not known, .*: .providers = SECTION. is missing in \\[ratls_conf\\]"
sed -i "s|^module = .*|module = $work/nosuch.so|" "$work/changed.cnf"
unattested "... and the module is missing" ratls ".*$work/nosuch.so"
change "base is not activated" '/^base = /d'
expect 0 "$what: a warning" check "$work/changed.cnf"
line "without ratls" "warning: programs would go on UNATTESTED"
change "something fails behind ratls" 's/^providers.*/&\nssl_conf = nosuch/'
expect 0 "$what: a warning" check "$work/changed.cnf"
line "other sections" "warning: OpenSSL stops behind ratls"

# ---- what the provider cannot use

change "the policy is missing" "s|^policy = .*|policy = $work/nosuch|"
unusable "$what" policy "$work/nosuch: No such file or directory"
cp "$work/policies/server.yaml" "$work/wrong.yaml"
printf 'servise_: x\n' >>"$work/wrong.yaml"
change "the policy has a mistake" "s|^policy = .*|policy = $work/wrong.yaml|"
unusable "$what" policy "$work/wrong.yaml:$(wc -l <"$work/wrong.yaml"):1: .*servise_"
change "no policy is for clients" "s|^role = .*|&\\nclients = $work/policies|" "$work/server.cnf"
unusable "$what" clients ".*no policy speaks for clients"
change "the state folder is missing" "s|^state = .*|state = $work/nosuch|" "$work/server.cnf"
unusable "$what" attester "$work/nosuch/.*: No such file or directory"
good_tcti=$tcti
start_tpm other
change "the TPM is another" "s|^state = .*|&\\ntcti = $tcti|" "$work/server.cnf"
unusable "$what" attester "the TPM has no key at handle .*the TPM was cleared, or is another"
stop other
unusable "the TPM is gone" attester "$work/other/sock: .*is swtpm running.*asked as user"
tcti=$good_tcti
expect 0 "an authority" "$ratls" seal key -o "$work/authority.key"
expect 0 "a sealed key" "$ratls" init --state "$work/sealed" --tcti "$tcti" \
    --seal-to-pcrs sha256:7 --seal-authority "$work/authority.key.pub"
change "no state is authorised" "s|^state = .*|state = $work/sealed|" "$work/server.cnf"
unusable "$what" attester ".*is sealed, and no state of this machine was authorised"
cp "$work/server.cnf" "$work/changed.cnf"
kill -STOP "$pid_of_tpm"
unusable "the TPM hangs" attester ".*did not answer"
kill -CONT "$pid_of_tpm"

# ---- an agent, which answers by user

if [ -x "$RATLS_BINARY_DIR/bin/ratlsd" ]; then
    . "$(dirname "$0")/agent_lib.sh"
    cp "$ratls" "$work/ratls" # where every user can reach it
    check() {
        if [ "$(id -u)" -eq 0 ]; then
            runuser -u "$server_user" -- "$work/ratls" check "$1"
        else
            "$work/ratls" check "$1"
        fi
    }
    change "there is no agent" "s|^state = .*|agent = $socket|" "$work/server.cnf"
    unusable "$what" attester "no agent listens at $socket"
    agent_conf "$server_user" '[default]'
    start_agent
    expect 0 "an agent that has a rule for this user" check "$work/changed.cnf"
    line attester "makes evidence \\(asked as user $server_user\\)"
    if [ "$(id -u)" -eq 0 ]; then
        stop ratlsd
        agent_conf nobody '[default]'
        start_agent
        unusable "an agent that has none" attester ".*add a rule for this user.*$server_user"
    fi
fi

# ---- JSON

field() { # field EXPRESSION: of the object `o` in the output
    "$python" -c 'import json, sys
o = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$work/output.log" "$1"
}
expect 0 "JSON of a good one" "$ratls" check --json "$work/client.cnf"
[ "$(field 'o["result"], o["file"]')" = "('good', '$work/client.cnf')" ] || fail "not good in JSON"
[ "$(field '[c["result"] for c in o["checks"] if c["subject"] == "policy"]')" = "['good']" ] ||
    fail "the policy is not good in JSON"
change "openssl_conf is misspelt" 's/^openssl_conf/opensl_conf/'
expect 1 "JSON of a bad one" "$ratls" check --json "$work/changed.cnf"
[ "$(field 'o["result"], o["checks"][-1]["subject"]')" = "('wrong', 'ratls')" ] ||
    fail "not wrong in JSON"
has '"summary": "not good: ratls is not loaded, and programs go on UNATTESTED'
