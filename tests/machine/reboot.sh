#!/bin/sh
# A client that keeps a state folder: a machine that boots again shows everything anew, and a TPM
# that was set back to an earlier copy of itself is noticed.
. "${RATLS_SOURCE_DIR:?}/tests/machine/lib.sh"
state=$work/client
mkdir -m 700 "$state"

new_machine web
cp -r "$work/web/tpm" "$work/snapshot"
boot_machine web
accepted web "the machine is accepted" --state "$state"
accepted web "and from then on only what is new is looked at" --state "$state"
has ", 0 of them are new"

# ---- rebooted between two connections

reboot_machine web
accepted web "after a boot it is accepted again" --state "$state"
lacks ", 0 of them are new"
printf '#!/bin/busybox sh\necho unsigned, version 2\n' >"$work/changed"
halt_machine web
put_file web /bin/unsigned-program "$work/changed"
boot_machine web
refused web "after a boot with another program it is not" ima.allow /bin/unsigned-program \
    -- --state "$state"
halt_machine web
copy_machine "$images" web
boot_machine web
accepted web "without it, it is" --state "$state"

# ---- a copy of the TPM's state is put back: it has booted less often than the client knows

halt_machine web
rm -rf "$work/web/tpm"
mv "$work/snapshot" "$work/web/tpm"
boot_machine web
accepted web "who sees the machine for the first time cannot know"
refused web "a client that knows its counters refuses" quote.counters \
    "not before reset" -- --state "$state"
key=$(sed -n 's/.*name: *"\{0,1\}\(000b[0-9a-f]*\).*/\1/p' "$policy")
expect 0 "somebody knows why it was set back, and says so" "$ratls" policy forget-counters \
    --state "$state" "$key"
accepted web "then it is accepted again" --state "$state"
