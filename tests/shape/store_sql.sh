#!/bin/sh
# The store of a CA: what makes up a tuple of name, endorsement key and attestation key is never
# changed or removed, and all SQL is in one file, with parameters for what comes from outside.
set -eu
cd "${RATLS_SOURCE_DIR:?}"
allowed=' answered ended why state decided_by reason revoked uses_left meta.version '
removable=' challenge request '
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Statements as the compiler joins them, one a line.
statements() {
    tr '\n' ' ' <"$1" | sed 's/\\ */ /g; s/#define/\n/g; s/" *"//g; s/  */ /g'
}

check() { # check FILE: the faults in it
    statements "$1" >"$folder/statements"
    grep -oE 'UPDATE [a-z_]+ SET .*' "$folder/statements" | sed 's/ WHERE .*//; s/"$//' |
        while read -r _ table _ columns; do
            echo "$columns" | tr ',' '\n' | while read -r column _; do
                case $allowed in
                *" $column "* | *" $table.$column "*) ;;
                *) echo "$table.$column is changed" ;;
                esac
            done
        done
    grep -oE 'DELETE FROM [a-z_]+' "$folder/statements" | while read -r _ _ table; do
        case $removable in
        *" $table "*) ;;
        *) echo "rows of $table are removed" ;;
        esac
    done
    grep -oE 'DO UPDATE|REPLACE|TRUNCATE|DROP |ALTER |%[a-z]' "$folder/statements" |
        sed 's/^/not in the store: /' || true
}

check ca/store_sql.h >"$folder/faults"
grep -cE 'UPDATE [a-z_]+ SET' "$folder/statements" >"$folder/count" || true
[ "$(cat "$folder/count")" -ge 10 ] || { echo "only $(cat "$folder/count") UPDATEs found"; exit 1; }
# Tables are made in store_schema.c; the engines ask whether there are any, and set themselves up.
grep -nE '"[^"]*(INSERT|UPDATE|DELETE FROM|SELECT .*FROM) ' ca/*.[ch] |
    grep -vE '^ca/store_sql\.h:|has_tables = ' >>"$folder/faults" || true

# The search must find what it looks for.
cat >"$folder/canary.h" <<'END'
#define A                                                \
    "UPDATE owner SET why = $1,"                         \
    " ek_sha256 = $2 WHERE name = $3"
#define B "DELETE FROM audit"
#define C "INSERT INTO ek VALUES($1) ON CONFLICT DO UPDATE SET area = 1"
END
check "$folder/canary.h" | sort >"$folder/found"
cat >"$folder/expected" <<'END'
not in the store: DO UPDATE
owner.ek_sha256 is changed
rows of audit are removed
END
cmp "$folder/found" "$folder/expected" || { echo "the search is blind"; exit 1; }
cat "$folder/faults"
[ ! -s "$folder/faults" ]
