#!/bin/sh
# Where the key of a CA is, and which keys and certificates it does not take: in a TPM by a handle,
# in a file of tpm2-openssl, in a file. What it signs is taken by stock OpenSSL.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need tpm2_createprimary tpm2_create tpm2_load tpm2_evictcontrol tpm2_flushcontext
find /usr/lib -path '*/ossl-modules/tpm2.so' | grep -q . || skip "tpm2-openssl is missing"
cd "$work"

make_machine bank
ca=$work/ca
mkdir -p "$ca"
quietly "$ratls" roots import --roots "$ca/roots" "$maker"
ek=$(ek_of bank)

configure() { # configure CERTIFICATE KEY [LINE...]: the CA issues for .test to the machine's TPM
    certificate=$1 key=$2
    shift 2
    {
        printf '%s\n' "ca: 1" "store: store" "roots: roots" 'names: ["*.test"]' \
            "issuers: [{certificate: $certificate, key: \"$key\"}]" \
            "software-tpm: insecure-allow" "approval: {rules: [{ek: $ek, names: [bank.test]}]}" "$@"
    } >"$ca/ca.yaml"
}

# verified CERTIFICATE CRL: by stock OpenSSL, as strictly as it can
verified() {
    openssl verify -x509_strict -auth_level 2 -CAfile "$ca/$1" -CRLfile "$2" -crl_check \
        "$work/bank.test.crt"
}

# enrolled WHERE: the whole way, and what OpenSSL says of it before and after a revocation
enrolled() {
    rm -f "$work"/bank.test.*
    enrol_files bank bank.test --force
    expect 0 "a CRL by a key $1" at_ca crl -o "$work/list.crl"
    expect 0 "a certificate by a key $1" verified ca.crt "$work/list.crl"
    openssl x509 -in "$work/bank.test.crt" -noout -text >"$work/output.log"
    has "DNS:bank.test"
    has "ecdsa-with-SHA256"
}

# ---- in a TPM

start_tpm ca_tpm
export TPM2TOOLS_TCTI="$tcti" TPM2OPENSSL_TCTI="$tcti"
tpm2_createprimary -Q -c primary.ctx
tpm2_create -Q -C primary.ctx -G ecc256:ecdsa-sha256 -u ca.pub -r ca.priv \
    -a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
tpm2_flushcontext -t
tpm2_load -Q -C primary.ctx -u ca.pub -r ca.priv -c ca.ctx
tpm2_evictcontrol -Q -c ca.ctx 0x81008001
tpm2_flushcontext -t

configure ca.crt "handle:0x81008002" "providers: [default, tpm2]"
expect 2 "a handle where nothing is" at_ca init
has "handle:0x81008002: no private key that can be used there"
configure ca.crt "handle:0x81008001"
expect 2 "a handle without the provider" at_ca init
has "does a provider of the configuration (providers) know such URIs"
configure ca.crt "handle:0x81008001" "providers: [default, no-such-provider]"
expect 2 "a provider that is not there" at_ca init
has "OpenSSL's provider no-such-provider"
configure ca.crt "handle:0x81008001" "providers: [default, tpm2]"
expect 0 "a CA whose key is in a TPM" at_ca init --subject "O=Bank,CN=CA in a TPM"
has "CN=CA in a TPM,O=Bank"
lacks "Made the key"
enrolled "in a TPM"
expect 0 "its revocation" at_ca revoke bank.test
expect 0 "the CRL" at_ca crl -o list.crl
expect failure "stock OpenSSL refuses it then" verified ca.crt list.crl
has "certificate revoked"

# In a file that only this TPM can use.
openssl genpkey -provider tpm2 -propquery '?provider=tpm2' -algorithm EC -pkeyopt group:P-256 \
    -out "$ca/tss2.key" 2>genpkey.log
chmod 600 "$ca/tss2.key"
grep -q 'TSS2 PRIVATE KEY' "$ca/tss2.key" || fail "the key is not one of the TPM"
configure tss2.crt tss2.key
expect 2 "a key of a TPM without the provider" at_ca init
has "a key of a TPM (TSS2 PRIVATE KEY) needs providers: [default, tpm2]"
configure tss2.crt tss2.key "providers: [default, tpm2]"
expect 0 "a key in a file of the TPM" at_ca init
expect 0 "signs a CRL" at_ca crl -o tss2.crl
openssl crl -in tss2.crl -CAfile "$ca/tss2.crt" -verify -noout >output.log 2>&1
has "verify OK"
stop ca_tpm
expect 2 "not without its TPM" at_ca crl
unset TPM2OPENSSL_TCTI

# ---- in a file

rm -rf "$ca/store" "$ca/ca.crt"
configure ca.crt ca.key
expect 0 "a key in a file is made" at_ca init --days 30
has "Made the key $ca/ca.key (P-256)"
[ "$(stat -c %a "$ca/ca.key")" = 600 ] || fail "others can read the key"
cp "$ca/ca.key" before.key
expect 0 "what is there stays" at_ca init
has "There already: $ca/ca.crt"
cmp -s "$ca/ca.key" before.key || fail "the key is another one"
enrolled "in a file"
# A year by the configuration, and 30 days of the issuer.
end() { openssl x509 -in "$1" -noout -enddate; }
[ "$(end bank.test.crt)" = "$(end "$ca/ca.crt")" ] || fail "valid beyond the issuer"
ok "no certificate is valid for longer than the issuer"

chmod 644 "$ca/ca.key"
expect 2 "a key that all can read" at_ca crl
has "others may read or change the key of the CA (mode 0644): 'chmod g-w,o= $ca/ca.key'"
chmod 600 "$ca/ca.key"
openssl genpkey -algorithm EC -pkeyopt group:P-256 -out "$ca/other.key" 2>genpkey.log
configure ca.crt other.key
expect 2 "the key of another certificate" at_ca crl
has "not the key of the certificate $ca/ca.crt"
expect 2 "nor is it taken at the begin" at_ca init
has "not a certificate of the key $ca/other.key"

# ---- certificates of other CAs

configure sub.crt sub.key
expect 0 "a request to another CA" at_ca init --csr sub.csr --subject "CN=sub"
has "Wrote the request sub.csr"
openssl req -in sub.csr -noout -verify -text >output.log 2>&1
has "CA:TRUE, pathlen:0"
has "Certificate Sign, CRL Sign"
# "openssl x509 -days" of OpenSSL 3.5 makes none that has ended.
certify() { # certify OUT USAGE OPTION...: what the other CA makes of it
    out=$1
    printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,%s\nsubjectKeyIdentifier=hash\n' \
        "$2" >ext.cnf
    shift 2
    openssl ca -batch -notext -config root.cnf -cert root.crt -keyfile root.key -in sub.csr \
        -extfile ext.cnf -out "$out" "$@" 2>certify.log
}
printf '%s\n' '[ca]' 'default_ca = root' '[root]' 'database = root.index' 'new_certs_dir = .' \
    'rand_serial = yes' 'unique_subject = no' 'default_md = sha256' 'policy = any' '[any]' \
    'commonName = supplied' >root.cnf
: >root.index
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key \
    -out root.crt -days 30 -subj /CN=root 2>req.log
certify no_crls.crt keyCertSign -days 20
expect 2 "one that may sign no CRLs" at_ca init --certificate no_crls.crt
has "its keyUsage needs keyCertSign and cRLSign"
certify given.crt keyCertSign,cRLSign -days 20
expect 0 "what the other CA gave" at_ca init --certificate given.crt
has "CN=sub"
openssl x509 -in given.crt >given.pem
cmp -s given.pem "$ca/sub.crt" || fail "another certificate is there"

certify expired.crt keyCertSign,cRLSign -startdate 20200101000000Z -enddate 20200102000000Z
cp expired.crt "$ca/expired.crt"
configure expired.crt sub.key
quietly on bank "ca request" --force -o late.req bank.test
expect 2 "an issuer that has expired" at_ca challenge late.req
has "has expired: 'ratls ca rollover' makes a new issuer"
expect 0 "it still signs its CRLs" at_ca crl -o expired.crl
