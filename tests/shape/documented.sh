#!/bin/sh
# Every public function and every check has its place in the documents, every check its row in
# tests/tamper, and every manual page can be made.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
man=libratls/man
bad=0

need() { # need WORD WHERE FILE...: WORD occurs in one of the files
    word=$1 where=$2
    shift 2
    if ! cat "$@" 2>/dev/null | grep -qF -- "$word"; then
        echo "$word: not in $where"
        bad=1
    fi
}

names() {
    sed -n 's/^[[:space:]]*\(ratls_[a-z_0-9]*\);$/\1/p' libratls/*.map
}

checks() { # checks PATTERN: what its group matches in each row of the table
    sed -n "s/^ *$1.*/\\1/p" libratls/src/checks.h
}

count=0
for function in $(names); do
    need "*$function*" "a manual page of section 3" "$man"/*.3.scd
    need "$function" NEWS NEWS
    count=$((count + 1))
done
[ "$count" -gt 20 ] || { echo "only $count public functions found"; bad=1; }

count=0
for check in $(checks 'X([A-Z_0-9]*, *"\([^"]*\)"'); do
    need "$check" "ratls-policy(5)" "$man/ratls-policy.5.scd"
    count=$((count + 1))
done
for check in $(checks 'X(\([A-Z_0-9]*\), *"'); do
    if ! cat tests/tamper/*.[ch] | grep -qE "(^|[^A-Z_])(RATLS_CHECK_)?$check([^A-Z_]|\$)"; then
        echo "$check: no row in tests/tamper"
        bad=1
    fi
done
[ "$count" -gt 20 ] || { echo "only $count checks found"; bad=1; }

# Every key of the agent's configuration, and every metric.
agent_keys() {
    sed -n 's/.*\(TEXT_FIELD\|SEQUENCE\|STRING_PTR\)("\([a-z-]*\)".*/\2/p' agent/config_document.c
}
agent_metrics() {
    sed -n 's/.*"\(ratls_[a-z_]*\)", *"*[a-z]*"*.*/\1/p' agent/metrics.c
}
count=0
for key in $(agent_keys); do
    need "*$key*" "ratlsd.yaml(5)" agent/man/ratlsd.yaml.5.scd
    count=$((count + 1))
done
for metric in $(agent_metrics); do
    need "*$metric*" "ratlsd(8)" agent/man/ratlsd.8.scd
    count=$((count + 1))
done
[ "$count" -gt 18 ] || { echo "only $count keys and metrics of the agent found"; bad=1; }

# Every key of a CA's configuration.
ca_keys() {
    sed -n 's/.*\(TEXT_FIELD\|LIST_FIELD\|SEQUENCE\|MAPPING_PTR\)("\([a-z-]*\)".*/\2/p' \
        ca/config_document.c
}
count=0
for key in $(ca_keys); do
    need "*$key*" "ratls-ca.yaml(5)" tools/man/ratls-ca.yaml.5.scd
    count=$((count + 1))
done
[ "$count" -gt 24 ] || { echo "only $count keys of a CA found"; bad=1; }

# Every word by which a CA refuses, and its row among the tests; "failed" is none.
ca_words() {
    sed -n 's/.*{[4][0-9]*, "\([a-z-]*\)", .*/\1/p' ca/ca_outcome.c
}
count=0
for refusal in $(ca_words); do
    need "_${refusal}_" "ratls-ca(1)" tools/man/ratls-ca.1.scd
    need "\"$refusal\"" "tests/unit" tests/unit/ca_refused_*.c tests/unit/test_ca*.c
    count=$((count + 1))
done
[ "$count" -gt 35 ] || { echo "only $count words of a CA found"; bad=1; }

for page in "$man"/*.scd agent/man/*.scd tools/man/*.scd; do
    if ! scdoc <"$page" >/dev/null; then
        echo "$page: not a manual page"
        bad=1
    fi
done
exit "$bad"
