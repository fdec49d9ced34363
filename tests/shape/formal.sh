#!/bin/sh
# The symbolic model (formal/) is of the statement that WIRE.md describes, and its tables are of the
# model as it is. To prove it all again takes ProVerif and a quarter of an hour: formal/run.sh.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
wire=libratls/WIRE.md model=formal/statement.pvl
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bad=0

same() { # same WHAT: two lists, of WIRE.md and of the model
    [ -s "$folder/wire" ] || { echo "$1: not found in $wire"; bad=1; }
    if ! diff -u "$folder/wire" "$folder/model"; then
        echo "$1: $wire (-) and formal/ (+) differ"
        bad=1
    fi
}

# The fields, in their order: what stands first in each line of the CDDL; the tuple of statement().
sed -n '/^statement = \[/,/^\]/p' $wire |
    sed -n 's/^  "ratls-1",.*/ratls-1/p; s/^  \([a-z0-9-]*\):.*/\1/p' >"$folder/wire"
sed -n '/^letfun statement(/,/\.$/p' $model | tr -d '\n' | sed 's/.*= *(//; s/).*//; s/, */ /g' |
    tr ' _' '\n-' | awk 1 >"$folder/model"
same "fields of the statement"

# The modes with their names, and the roles: "1 certificate", "2 client".
numbered() {
    grep -oE '[1-9] (certificate|handshake|exporter|renewal|epoch|server|client)\b' | sort -u
}
sed -n '/^statement = \[/,/^\]/p' $wire | sed -n '/^  mode:/,/^  tls-version:/p' | numbered \
    >"$folder/wire"
sed -n '/^const m1/,/^const tls13/p' $model | numbered >"$folder/model"
same "modes and roles"

# Labels, in quotes on both sides; and what separates leaves from nodes.
labels() { grep -oE '"ratls bind"|"EXPORTER-ratls-[a-z]+"|0x0[01]\b' | sort -u; }
sed -n '/^## 5/,/^## 6/p' $wire | labels >"$folder/wire"
labels <$model >"$folder/model"
same "labels"

# Enrolment has labels and a tag of its own.
enrolment() { grep -oE '"ratls-enroll[a-z0-9-]*"|0x02\b' | sort -u; }
sed -n '/^## 14/,/^## 15/p' $wire | enrolment >"$folder/wire"
enrolment <formal/enrolment.pvl >"$folder/model"
same "labels of enrolment"

# The design is this statement, in every mode, and no other.
for function in bind/design.pvl:st2S bind/design.pvl:st3S bindm/design.pvl:st3C \
    bindm/cert-design.pvl:st2C renew/design.pvl:st4 ev/epoch.pvl:st5; do
    if ! grep -q "\b${function#*:}(" "formal/${function%:*}"; then
        echo "formal/${function%:*}: does not use ${function#*:} of $model"
        bad=1
    fi
done

# The tables: of these models, each case with a result, each variant in a case.
if [ "models: $(sh formal/run.sh --sum)" != "$(head -1 formal/tables.txt)" ]; then
    echo "formal/tables.txt is of other models than these: run formal/run.sh"
    bad=1
fi
cases=$(grep -cE '^[a-z][^|]* \|( [PA])+$' formal/tables.txt)
[ "$cases" -gt 120 ] || { echo "only $cases cases in formal/tables.txt"; bad=1; }
if grep -E '^[^#].*\|' formal/tables.txt | grep -vE '\|( [PA])+$'; then
    echo "formal/tables.txt: a case without an answer"
    bad=1
fi
for file in formal/*/*.pvl; do
    variant=${file#formal/}
    variant=${variant%.pvl}
    # Those that stand for nothing special are not named in a case.
    case $variant in dh/ideal | ev/direct | leak/none | share/fresh) continue ;; esac
    if ! grep -qE "^[^#|]* $variant( |\$)" formal/tables.txt; then
        echo "$file: no case of formal/tables.txt has it"
        bad=1
    fi
done
exit "$bad"
