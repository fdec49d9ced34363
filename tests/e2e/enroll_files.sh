#!/bin/sh
# Enrolment by files that are carried by hand: what a machine asks, answers and installs, and what
# it refuses.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need tpm2_clear tpm2_createek tpm2_flushcontext
cd "$work"

json() { # json MEMBER: of the output
    "$python" -c 'import json, sys
print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/output.log" "$1"
}

# ---- requests

make_machine one
expect 0 "a request" on one "ca request" Bank.test www.bank.test
has "Request for bank.test, www.bank.test, written to Bank.test.req"
has "template L-1 (RSA 2048)"
has "ratls ca challenge Bank.test.req"
expect 2 "it is not replaced" on one "ca request" Bank.test
has "--force replaces it"
expect 0 "with --force it is" on one "ca request" --force Bank.test
expect 0 "what is in it" "$ratls" show Bank.test.req
has "Request of a machine to a CA"
has "bank.test"
has "L-1 (RSA 2048)"
has "restricted sign"
has "software TPM"
expect 0 "one for scripts" on one "ca request" --json --ek H-3 -o h3.req bank.test
[ "$(json template)" = H-3 ] || fail "the template is not H-3"
expect 2 "a wildcard" on one "ca request" "*.bank.test"
has "'*.bank.test': a wildcard speaks for many machines"
expect 2 "no name at all" on one "ca request"
expect 2 "an unknown template" on one "ca request" --ek L-7 bank.test
has "L-1, L-2, H-1"
expect 3 "one without a certificate" on one "ca request" --ek L-2 -o l2.req bank.test
has "--ek-certificate FILE"
[ ! -e l2.req ] || fail "a request was written"

printf 'rt1-aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq\n' >token
chmod 644 token
expect 2 "a token that others can read" on one "ca request" --token-file token -o t.req bank.test
has "take that right away with chmod 600"
chmod 600 token
expect 0 "one that they cannot" on one "ca request" --token-file token -o t.req bank.test
has "token         yes"
expect 0 "only its id is in the request" "$ratls" show t.req
has "0001020304050607"
! grep -q aaaqeayeaudaocaj t.req || fail "the token is in the request"

# ---- a TPM without a certificate

start_tpm bare
init_machine bare.state
export TPM2TOOLS_TCTI="$tcti"
expect 3 "a TPM without certificates" on bare "ca request" bare.test
has "the TPM has no certificate of its endorsement key"
tpm2_createek -G ecc -c ek.ctx -u ek.pem -f pem
tpm2_flushcontext -t
printf 'keyUsage=critical,keyAgreement\nextendedKeyUsage=2.23.133.8.1\n' >ext
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout any.key \
    -subj "/CN=ek" -out any.csr 2>req.log
openssl x509 -req -in any.csr -force_pubkey ek.pem -CA "$maker/issuercert.pem" \
    -CAkey "$maker/signkey.pem" -set_serial 77 -days 30 -extfile ext -out ek.crt 2>x509.log
cat "$maker/issuercert.pem" >>ek.crt
expect 0 "it may come from a file" on bare "ca request" --ek-certificate ek.crt bare.test
has "template L-2 (P-256)"
expect 3 "but not that of another TPM" \
    on one "ca request" --ek-certificate ek.crt -o x.req bank.test
has "not the certificate of an endorsement key of this TPM"
expect 0 "what a certificate of a key says" "$ratls" show ek.crt
has "Endorsement key of a TPM"

# ---- from the request to the certificate

expect 0 "the request" on one "ca request" -o bank.req --json bank.test www.bank.test
ek=$(json ekSha256)
# shellcheck disable=SC2119
make_ca <<END
approval:
  rules:
    - ek: $ek
      names: [bank.test, www.bank.test]
END
expect 0 "the challenge" at_ca challenge -o bank.chal bank.req
expect 0 "what is in it" "$ratls" show bank.chal
has "Challenge of a CA"
expect 1 "it is for one request" on one "ca answer" --request h3.req bank.chal
has "the challenge is for another request"
expect 0 "the answer" on one "ca answer" bank.chal
has "Answer written to bank.ans"
has "ratls ca issue bank.ans"
expect 0 "what is in it" "$ratls" show bank.ans
has "TPM firmware"
has "resets"
expect 0 "the certificate" at_ca issue -o bank.crt bank.ans
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key \
    -subj "/CN=another CA" -out other.crt 2>req.log
expect 1 "a CA that did not sign it" "$ratls" ca install --state one.state --ca other.crt bank.crt
has "does not lead to other.crt"
[ ! -e one.state/ak.crt ] || fail "it was installed"
expect 1 "the answer counts once" at_ca issue -o again.crt bank.ans
has "answered already"
expect 1 "a machine that did not ask for it" \
    "$ratls" ca install --state bare.state --ca "$ca/ca.crt" bank.crt
has "of another key than the attestation key"
expect 0 "the machine that did" \
    "$ratls" ca install --state one.state --ca "$ca/ca.crt" bank.crt
has "for bank.test, www.bank.test"
[ -s one.state/ak.crt ] || fail "it was not installed"
"$ratls" show one.state/ak.crt >ak.log 2>&1 || fail "ratls show"
has "www.bank.test" ak.log
[ ! -e one.state/enroll/request ] || fail "the request is kept"
expect 2 "then there is nothing to answer" on one "ca answer" --force bank.chal
has "no request is kept there"

# ---- with a token, and with a certificate that is not in the TPM

make_token --names bare.test
expect 0 "a token speaks for the name" \
    on bare "ca request" --ek-certificate ek.crt --token-file "$token_file" -o b.req bare.test
expect 0 "the CA knows it" at_ca challenge -o b.chal b.req
expect 0 "the answer" on bare "ca answer" b.chal
expect 0 "the certificate" at_ca issue -o b.crt b.ans
expect 0 "it is installed" "$ratls" ca install --state bare.state --ca "$ca/ca.crt" --json b.crt
[ "$(json names)" = bare.test ] || fail "the names are others"
expect 0 "a request without a token" \
    on bare "ca request" --ek-certificate ek.crt -o c.req other.test
expect 1 "waits for approval" at_ca challenge -o c.chal c.req

# ---- the TPM is cleared

expect 0 "a request before" on one "ca request" -o late.req bank.test
expect 0 "its challenge" at_ca challenge -o late.chal late.req
TPM2TOOLS_TCTI=swtpm:path=$work/one/sock tpm2_clear
expect 3 "the attestation key is gone" on one "ca answer" late.chal
has "the TPM was cleared"
has "ratls init --replace"
expect 3 "and cannot ask" on one "ca request" -o later.req bank.test
