#!/bin/sh
# needs_no_tpm.sh FILE...: none of these programs and libraries needs tpm2-tss at run time.
set -eu
bad=0
for file; do
    needed=$(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p')
    case $needed in
    *libcrypto.so* | *libssl.so* | *libratls.so*) ;;
    *) echo "$file: readelf shows no library that it must need"; bad=1 ;;
    esac
    case $needed in
    *tss2*) printf '%s needs:\n%s\n' "$file" "$needed"; bad=1 ;;
    esac
done
exit "$bad"
