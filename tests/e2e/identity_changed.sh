#!/bin/sh
# Messages of an enrolment that are changed, swapped or repeated on their way, as whoever carries
# them could: nothing is issued that was not asked for, and nothing twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/identity_lib.sh"
need "$python"

make_machine alpha
make_machine beta
make_ca <<END
approval:
  by-hand: refuse
  rules-file: eks.csv
END
# Either name would be allowed: what is refused below is not for want of a rule.
echo "$(ek_of alpha),alpha.test other.test" >>"$ca/eks.csv"
echo "$(ek_of beta),beta.test" >>"$ca/eks.csv"

change() { # change FILE TEXT TEXT NEW-FILE: texts of one length; each message is CBOR
    "$python" -c 'import sys
source, old, new, target = sys.argv[1:]
data = open(source, "rb").read()
assert len(old) == len(new) and old.encode() in data
open(target, "wb").write(data.replace(old.encode(), new.encode()))' "$@"
}
ask_for() { # ask_for MACHINE NAME FILE [OPTION...]
    asking=$1 wish=$2 request=$work/$3
    shift 3
    quietly on "$asking" "ca request" -o "$request" "$@" "$wish"
}
answer() { # answer MACHINE REQUEST CHALLENGE ANSWER
    on "$1" "ca answer" --request "$work/$2" -o "$work/$4" "$work/$3"
}

# The names of the request.
ask_for alpha alpha.test a.req
change "$work/a.req" alpha.test other.test "$work/changed.req"
expect 0 "the CA has only the changed request" at_ca challenge -o "$work/changed.chal" \
    "$work/changed.req"
expect 1 "alpha did not ask for that" answer alpha a.req changed.chal a.ans
[ ! -e "$work/a.ans" ] || fail "there is an answer"

# The challenge for another machine, and for another request of the same.
ask_for beta beta.test b.req
quietly at_ca challenge -o "$work/b.chal" "$work/b.req"
expect 1 "alpha has the challenge for beta" answer alpha a.req b.chal a.ans
expect failure "also if it takes the request of beta for its own" answer alpha b.req b.chal a.ans

# A byte of the credential, of the answer's MAC, of its signature.
quietly at_ca challenge -o "$work/a.chal" "$work/a.req"
flip() { # flip FILE FROM-THE-END NEW-FILE
    "$python" -c 'import sys
source, place, target = sys.argv[1:]
data = bytearray(open(source, "rb").read())
data[-int(place)] ^= 1
open(target, "wb").write(data)' "$work/$1" "$2" "$work/$3"
}
flip a.chal 20 flipped.chal
expect failure "the TPM does not open a changed credential" answer alpha a.req flipped.chal a.ans
expect 0 "alpha answers" answer alpha a.req a.chal a.ans
expect 0 "beta answers" answer beta b.req b.chal b.ans
flip a.ans 5 flipped.ans
expect 1 "a changed answer" at_ca issue -o "$work/a.crt" "$work/flipped.ans"
has quote-signature
expect 1 "the right one after it comes too late" at_ca issue -o "$work/a.crt" "$work/a.ans"
has answered
[ ! -e "$work/a.crt" ] || fail "there is a certificate"

# Once, and no more.
expect 0 "the answer of beta" at_ca issue -o "$work/b.crt" "$work/b.ans"
expect 1 "again" at_ca issue -o "$work/again.crt" "$work/b.ans"
has answered
expect failure "alpha does not take the certificate of beta" on alpha "ca install" "$work/b.crt"
expect 0 "beta does" on beta "ca install" --ca "$ca/ca.crt" "$work/b.crt"

# A token speaks for a request, to the byte; its text does not travel.
make_token --names alpha.test,beta.test
ask_for alpha alpha.test t.req --token-file "$token_file"
lacks "$(cut -c5-20 "$token_file")" "$work/t.req"
change "$work/t.req" alpha.test other.test "$work/changed.req"
expect 1 "a token for other names" at_ca challenge -o "$work/t.chal" "$work/changed.req"
has token
expect 0 "for its own" at_ca challenge -o "$work/t.chal" "$work/t.req"
