#!/usr/bin/env python3
"""`ratls verify` on what machines sent (tests/vectors/machine): the verdicts of then, word for
word, today and in twenty years.

  verify_machine.py [--reword]     writes other words of the same checks into the verdicts of
                                   the source
"""
import glob
import json
import os
import subprocess
import sys

RATLS = os.path.join(os.environ["RATLS_BINARY_DIR"], "bin", "ratls")
# Unpacked by the build.
MACHINE = os.path.join(os.environ["RATLS_BINARY_DIR"], "tests", "vectors", "machine")
SOURCE = os.path.join(os.environ["RATLS_SOURCE_DIR"], "tests", "vectors", "machine")
LATER = dict(os.environ, LD_PRELOAD=os.environ.get("RATLS_LATER_CLOCK", ""),
             ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
YEARS_S = 19 * 365 * 86400

failures = []


def check(what, is_right, seen=""):
    if not is_right:
        failures.append("%s\n%s" % (what, seen))
    print("%s: %s" % ("ok" if is_right else "FAILED", what))


def read_verdict(path):
    """The lines of NAME.verdict: {key: [text, ...]}, those of the verdict itself, and the others
    before and behind them."""
    with open(path, encoding="ascii") as file:
        all_lines = file.read().splitlines()
    lines = {}
    for line in all_lines:
        key, value = line.split(" = ", 1)
        lines.setdefault(key, []).append(value)
    keys = ("verdict", "check", "expected", "seen", "at")
    own = [line for line in all_lines if line.split(" = ", 1)[0] in keys]
    begin = all_lines.index(own[0])
    return lines, own, all_lines[:begin], all_lines[begin + len(own):]


def verify(*arguments, env=None):
    done = subprocess.run([RATLS, "verify", *arguments], env=env, capture_output=True, check=False)
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode()


def lines_of(report):
    lines = ["verdict = %s" % ("accepted" if report["accepted"] else "refused")]
    for one in report["checks"]:
        if one["verdict"] == "fail":
            lines += ["check = " + one["name"], "expected = " + one["expected"],
                      "seen = " + one["actual"], "at = " + one["at"]]
    return lines


def policy_of(lines):
    return os.path.join(MACHINE, "policies", lines["policy"][0], "policy.yaml")


def reword(path):
    lines, own, before, behind = read_verdict(path)
    capture = os.path.join(MACHINE, os.path.basename(path)[:-len("verdict")] + "capture")
    _, out, errors = verify("--json", capture, "--policy", policy_of(lines))
    if not out:
        sys.exit("%s: %s" % (capture, errors))
    now = lines_of(json.loads(out))
    if now == own:
        return
    if [line for line in now if line.startswith(("verdict", "check"))] != \
            [line for line in own if line.startswith(("verdict", "check"))]:
        sys.exit("%s: these are other checks:\n%s" % (path, "\n".join(now)))
    print("other words: " + path)
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(before + now + behind) + "\n")


def test_vector(path):
    lines, expected, _, _ = read_verdict(path)
    base = path[:-len(".verdict")]
    name, policy = os.path.basename(base), policy_of(lines)
    if "after" in lines:
        print("left out: %s: it needs what the client kept of an earlier time" % name)
        return
    for when, env in (("now", None), ("in twenty years", LATER)):
        code, out, errors = verify("--json", base + ".capture", "--policy", policy, env=env)
        seen = lines_of(json.loads(out)) if out else [errors]
        check("%s, %s" % (name, when), seen == expected and
              code == (0 if lines["verdict"] == ["accepted"] else 1), "\n".join(seen))
    _, out, _ = verify(base + ".capture", "--policy", policy)
    for words in lines.get("words", []):
        check("%s says '%s'" % (name, words), words in out, out)


def reword_all():
    for path in sorted(glob.glob(os.path.join(SOURCE, "*.verdict"))):
        if "after" not in read_verdict(path)[0]:
            reword(path)
    return 0


def main():
    done = subprocess.run(["date", "+%s"], env=LATER, capture_output=True, check=True)
    now = subprocess.run(["date", "+%s"], capture_output=True, check=True)
    check("the clock of later", int(done.stdout) - int(now.stdout) > YEARS_S, done.stdout)
    paths = sorted(glob.glob(os.path.join(MACHINE, "*.verdict")))
    check("there are vectors", bool(paths))
    for path in paths:
        test_vector(path)
    for failure in failures:
        print("FAILED " + failure)
    print("%d failed" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(reword_all() if sys.argv[1:] == ["--reword"] else main())
