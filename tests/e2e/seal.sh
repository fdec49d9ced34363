#!/bin/sh
# A machine whose attestation key is sealed to PCRs: it attests in states that were signed, over
# updates and restarts with the same key, and in no other state.
. "$(dirname "$0")/lib.sh"
need curl nginx swtpm tpm2_pcrextend tpm2_pcrread openssl
sealed=sha256:4,7

seal() {
    command=$1
    shift
    "$ratls" seal "$command" "$@"
}

# What PCR 7 will be once the next 32 bytes are measured into it: computed without this TPM.
write_next() { # write_next FILE PCR7-NOW
    next=$("$python" -c 'import hashlib, sys
print(hashlib.sha256(bytes.fromhex(sys.argv[1]) + b"\x11" * 32).hexdigest())' "$2")
    printf '  sha256:\n    4 : 0x%s\n    7 : 0x%s\n' "$zeros" "$next" >"$1"
}
zeros=0000000000000000000000000000000000000000000000000000000000000000

# ---- the authority, away from the machine
expect 0 "an authority" seal key -o "$work/authority.key"
expect 2 "whose key is not overwritten" seal key -o "$work/authority.key"
expect 0 "another authority" seal key -o "$work/other.key"
[ "$(stat -c %a "$work/authority.key")" = 600 ] || fail "anybody may read the authority's key"

# ---- the machine
start_tpm tpm
start_mux_at mux
state=$work/state
expect 2 "half of the options" "$ratls" init --state "$state" --tcti "$tcti" \
    --seal-to-pcrs "$sealed"
has "belong together"
expect 2 "PCRs that everyone may reset" "$ratls" init --state "$state" --tcti "$tcti" \
    --seal-to-pcrs sha256:7,16 --seal-authority "$work/authority.key.pub"
has "everyone may reset PCRs 16 and 23"
expect 2 "a private key in place of the public one" "$ratls" init --state "$state" --tcti "$tcti" \
    --seal-to-pcrs "$sealed" --seal-authority "$work/authority.key"
has "no public key"
expect 0 "a sealed key" "$ratls" init --state "$state" --tcti "$tcti" --seal-to-pcrs "$sealed" \
    --seal-authority "$work/authority.key.pub"
has "ratls seal authorize --now"
cp "$state/ak.pub" "$work/first.pub"
expect 1 "no state is authorised yet" seal list --state "$state"
has "in no authorised state"
expect 3 "so there is no evidence to learn from" "$ratls" policy learn --local --state "$state" \
    --server-name "$name" --pcrs sha256:0-7 --out "$work/none.yaml"
has "no state of this machine was authorised: 'ratls seal authorize --now'"

expect 0 "the state that it is in is signed" seal authorize --now --state "$state" \
    --key "$work/authority.key" --comment "as delivered" -o "$work/now.seal"
expect 0 "and installed" seal install --state "$state" "$work/now.seal"
expect 0 "so the machine is in it" seal list --state "$state"
has "is now  as delivered"
learn_policy
make_certificate server
server_conf
client_conf
port=$(free_port)
use_example nginx.conf
start nginx env OPENSSL_CONF="$work/server.cnf" nginx -c "$work/nginx.conf" -g 'daemon off;'
wait_until_listening nginx "$port"
expect 0 "curl accepts the server" get

# ---- what is not authorised
expect 0 "another authority signs" seal authorize --now --state "$state" --key "$work/other.key" \
    -o "$work/other.seal"
expect 2 "which this key does not care for" seal install --state "$state" "$work/other.seal"
has "not signed by the authority that the key is sealed for"
expect 0 "a state of other PCRs is signed" seal authorize --now --state "$state" \
    --select sha256:7 --key "$work/authority.key" -o "$work/fewer.seal"
expect 2 "and is none of this key" seal install --state "$state" "$work/fewer.seal"
has "the key is sealed to sha256:4,7"
expect 2 "nor is any other file" seal install --state "$state" "$work/authority.key"

# ---- the update: the next state is signed and installed first
write_next "$work/next.yaml" "$zeros"
expect 2 "PCRs of a file must be named" seal authorize --pcrs "$work/next.yaml" \
    --key "$work/authority.key" -o "$work/next.seal"
expect 0 "the next state is signed without a TPM" seal authorize --pcrs "$work/next.yaml" \
    --select "$sealed" --key "$work/authority.key" --comment "after the update" \
    -o "$work/next.seal"
expect 0 "and installed" seal install --state "$state" "$work/next.seal"
expect 0 "the machine is in the first" seal list --state "$state"
has "is now  as delivered"
reload HUP nginx
ok "nginx learns of it as it does of a new certificate"
extend_pcr 7
expect 0 "after the update it is in the second" seal list --state "$state"
has "is now  after the update"
expect 35 "curl refuses it until its policy knows the new values" get
has pcr.value
learn_policy
cmp "$state/ak.pub" "$work/first.pub" || fail "the key is another one"
expect 0 "and then accepts the same key" get

# ---- a state that nobody signed
extend_pcr 7
expect failure "in a state that nobody signed there is no evidence" get
wait_for 5 grep -q "in no authorised state: sha256:7 is " "$work/nginx-error.log" \
    "$work/nginx.log" || fail "nginx's log does not say why"
ok "nginx's log says which PCR it is"
expect 1 "as ratls seal list does" seal list --state "$state"
has "sha256:7   now        "
has "This machine is in no authorised state"
expect 1 "also in JSON" seal list --state "$state" --json
"$python" -c 'import json, sys
states = json.load(open(sys.argv[1]))
assert states["authorised"] is False and states["sealedTo"] == "sha256:4,7", states
assert [s["comment"] for s in states["states"]].count("after the update") == 1, states
assert all(d["pcr"] == "sha256:7" for s in states["states"] for d in s["differs"]), states' \
    "$work/output.log" || fail "the JSON"

# ---- restarted: measured as delivered
expect 0 "the TPM is shut down" tpm2_shutdown -T "$tcti" -c
stop mux
stop tpm
start_tpm tpm
start_mux_at mux
expect 0 "it starts in the first state" seal list --state "$state"
has "is now  as delivered"
learn_policy
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after a restart"
ok "and attests by the same key"

# ---- taken away
digits=$(seal list --state "$state" | sed -n 's/^\* \([0-9a-f]*\) .*/\1/p')
expect 2 "too few digits" seal remove --state "$state" 1234
expect 0 "the old state is removed" seal remove --state "$state" "$digits"
expect 1 "and counts no more" seal list --state "$state"
reload HUP nginx
expect failure "also for nginx, which has no evidence in it" get --output /dev/null

# ---- the authority's key is a provider's; RSA does as well
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/rsa.key" 2>/dev/null
chmod 600 "$work/rsa.key"
openssl pkey -in "$work/rsa.key" -pubout -out "$work/rsa.pub"
expect 0 "a key for another authority" "$ratls" init --replace --state "$state" --tcti "$tcti" \
    --seal-to-pcrs "$sealed" --seal-authority "$work/rsa.pub"
expect 0 "whose key has a URI" seal authorize --now --state "$state" --provider default \
    --key "file:$work/rsa.key" -o "$work/rsa.seal"
expect 0 "is taken over" seal install --state "$state" "$work/rsa.seal"
expect 0 "and fits" seal list --state "$state"
has "not signed by the authority"
learn_policy
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$work/p384.key"
chmod 600 "$work/p384.key"
expect 2 "keys that TPMs need not know" seal authorize --now --state "$state" \
    --key "$work/p384.key" -o "$work/p384.seal"
has "P-256"

# ---- a key that is not sealed
expect 2 "a sealed key does not become another one by leaving options out" "$ratls" init --replace \
    --state "$state" --tcti "$tcti"
has "the key that is there is sealed, and the new one would not be"
expect 2 "not both" "$ratls" init --replace --unsealed --state "$state" --tcti "$tcti" \
    --seal-to-pcrs "$sealed" --seal-authority "$work/other.key.pub"
expect 0 "a key that is not sealed" "$ratls" init --replace --unsealed --state "$state" \
    --tcti "$tcti"
expect 2 "has no states" seal list --state "$state"
has "is not sealed"
echo nonsense >"$state/ak.conf"
expect 2 "one that cannot be read may be sealed" "$ratls" init --replace --state "$state" \
    --tcti "$tcti"
has "whether the key that is there is sealed cannot be read"
expect 0 "so that it needs words, too" "$ratls" init --replace --unsealed --state "$state" \
    --tcti "$tcti"
