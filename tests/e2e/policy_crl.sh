#!/bin/sh
# Revocation lists of issuers: fetched, checked and put in their place, and nothing else.
. "$(dirname "$0")/lib.sh"
need openssl "$python"
"$ratls" enroll ftp://none 2>&1 | grep -q "needs libcurl4" &&
    skip "this build cannot ask servers by HTTP"
served=$work/served
socket=$work/http.sock
mkdir "$served"

# ---- issuers, and what they have revoked

make_issuer() { # make_issuer NAME SUBJECT
    mkdir "$work/$1.ca"
    : >"$work/$1.ca/index"
    cat >"$work/$1.ca/conf" <<END
[ca]
default_ca = this
[this]
database = $work/$1.ca/index
crlnumber = $work/$1.ca/number
certificate = $work/$1.pem
private_key = $work/$1.key
default_md = sha256
default_crl_days = 7
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
END
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
        -out "$work/$1.pem" -subj "$2" -days 30 -addext keyUsage=critical,keyCertSign,cRLSign \
        2>/dev/null
}

gencrl() { # gencrl ISSUER NUMBER NAME [OPTION...]: the file NAME is served
    echo "$2" >"$work/$1.ca/number"
    issuer=$1 file=$3
    shift 3
    openssl ca -gencrl -config "$work/$issuer.ca/conf" "$@" -out "$work/crl.pem" 2>/dev/null
    openssl crl -in "$work/crl.pem" -outform DER -out "$served/$file"
}

policy() { # policy NAME LINES OF attestation-keys...
    {
        echo "policy: ratls-1"
        echo "attestation-keys:"
        for key; do [ "$key" = "$1" ] || echo "  - $key"; done
        echo "pcrs: [{index: 7, sha256: [\"$(printf '%064d' 7)\"]}]"
    } >"$work/$1.yaml"
}

make_issuer a "/CN=issuer a"
make_issuer b "/CN=issuer b"
policy one "{issuer: a.pem, crl: a.crl, crl-url: 'unix:$socket:/crl'}"
start http "$python" "$support/http_files.py" "$socket" "$served"
wait_for 10 takes_connections "$socket" || fail "http_files.py does not start"

crl() {
    "$ratls" policy crl "$@"
}

is_same() { # is_same FILE FILE
    cmp -s "$1" "$2" || fail "$1 is not $2"
}

# ---- the way that it should go

gencrl a 10 crl
expect 2 "before the first list no policy can be loaded" "$ratls" policy lint "$work/one.yaml"
expect 0 "the first one is put there" crl "$work/one.yaml"
has "$work/a.crl: replaced by list 16 of"
is_same "$served/crl" "$work/a.crl"
expect 0 "then it can" "$ratls" policy explain "$work/one.yaml"
expect 0 "the same again changes nothing" crl "$work/one.yaml"
has "$work/a.crl: unchanged: list 16 of"
before=$(stat -c %i "$work/a.crl")
sleep 1
gencrl a 11 crl
expect 0 "a newer one takes its place" crl --json "$work/one.yaml"
has '"state": "replaced"'
has '"number": "17"'
[ "$before" != "$(stat -c %i "$work/a.crl")" ] || fail "the file was written into"
[ "$(stat -c %a "$work/a.crl")" = 644 ] || fail "not everybody may read it"
cp "$work/a.crl" "$work/newest"

# ---- what is refused, and leaves the file as it is

refused() { # refused CODE WHAT WORDS
    expect "$1" "$2" crl "$work/one.yaml"
    has "$work/a.crl stays as it is"
    has "$3"
    is_same "$work/newest" "$work/a.crl"
}

cp "$served/crl" "$served/good"
gencrl a 10 crl
refused 1 "a list of before" "its number is lower"
gencrl a 11 crl -crldays 8
refused 1 "another one of the same number" "another one with the same number"
gencrl a 20 crl -crl_lastupdate 20200101000000Z -crl_nextupdate 20300101000000Z
refused 1 "a higher number of an earlier time" "not of a later time"
gencrl a 20 crl -crl_lastupdate 20200101000000Z -crl_nextupdate 20200201000000Z
refused 1 "one that is out of date" "out of date"
gencrl a 20 crl -crl_lastupdate 20980101000000Z -crl_nextupdate 20990101000000Z
refused 1 "one of the future" "of the future"
gencrl b 20 crl
refused 1 "one of another issuer" "the CRL of another issuer"
cp "$work/a.pem" "$work/a.saved"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/forger.key" \
    -out "$work/forger.pem" -subj "/CN=issuer a" -days 30 \
    -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
sed -e 's|/a.pem|/forger.pem|' -e 's|/a.key|/forger.key|' "$work/a.ca/conf" >"$work/forger.conf"
mkdir "$work/forger.ca"
cp "$work/forger.conf" "$work/forger.ca/conf"
gencrl forger 20 crl
refused 1 "one that another signed in its name" "the issuer has not signed this CRL"
head -c 100 "$served/good" >"$served/crl"
refused 1 "half a list" "not one CRL in PEM or DER"
cat "$served/good" "$served/good" >"$served/crl"
refused 1 "two lists" "not one CRL in PEM or DER"
: >"$served/crl"
refused 1 "nothing" "not one CRL in PEM or DER"
rm "$served/crl"
refused 3 "no such page" "HTTP status 404"
head -c 17000000 /dev/zero >"$served/crl"
refused 3 "a list without an end" "longer than 16777216 bytes"

# ---- files that are wrong already

cp "$served/good" "$served/crl"
head -c 50 "$work/newest" >"$work/a.crl"
expect 0 "half a list is replaced" crl "$work/one.yaml"
is_same "$served/good" "$work/a.crl"
openssl crl -inform DER -in "$served/good" -out "$served/crl"
expect 0 "PEM or DER is one list" crl "$work/one.yaml"
has "unchanged: list 17"

# ---- several policies

mkdir "$work/folder"
policy two "{issuer: a.pem, crl: a.crl}" "{issuer: b.pem, crl: b.crl}"
expect 2 "somebody must say where it is" crl "$work/two.yaml"
has "write crl-url beside crl"
expect 2 "--url is for one list" crl --url "unix:$socket:/crl" "$work/two.yaml"
has "there are 2"
policy three "{issuer: a.pem, crl: a.crl, crl-url: 'unix:$socket:/crl'}" \
    "{issuer: b.pem, crl: b.crl}"
expect 0 "what has no URL is brought by others" crl "$work/three.yaml"
has "$work/b.crl: passed over"
policy four "{issuer: b.pem, crl: b.crl, crl-url: 'unix:$socket:/b'}" \
    "{issuer: a.pem, crl: a.crl, crl-url: 'unix:$socket:/crl'}"
expect 3 "one that is not there does not stop the others" crl "$work/four.yaml" "$work/one.yaml"
has "$work/b.crl stays as it is"
[ "$(grep -c 'unchanged: list 17' "$work/output.log")" -eq 1 ] || fail "not once"
policy none "{issuer: a.pem}"
expect 2 "a policy without a list" crl "$work/none.yaml"
has "no issuer in these policies has a list"
policy other "{issuer: a.pem, crl: a.crl}"
expect 0 "--url for a policy that says none" crl --url "unix:$socket:/crl" "$work/other.yaml"
has "unchanged: list 17"
expect 2 "by HTTP from afar" crl --url "http://ca.example/crl" "$work/other.yaml"
has "write https://"

stop http
refused 3 "nobody there" "Connection refused: nobody listens at this address"
