#!/bin/sh
# leak.sh LEAKING CLEAN: a test that leaks must fail, and for that reason; the same test without the
# leak must pass. So a leak in any other test fails the run.
set -eu
"$2" || { echo "the test without a leak failed"; exit 1; }
if output=$("$1" 2>&1); then
    echo "a leaking test passed:"
    echo "$output"
    exit 1
fi
case $output in
*"LeakSanitizer: detected memory leaks"*) ;;
*)
    echo "the leaking test failed for another reason:"
    echo "$output"
    exit 1
    ;;
esac
