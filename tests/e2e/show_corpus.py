#!/usr/bin/env python3
"""`ratls show --json` on every log, list and quote of the corpus, against its recorded results.

The corpus lies beside the source tree and is no part of it; its replay.py is the oracle for what
cases.json does not record. A case that is not as recorded must be in DISAGREEMENTS, with the
reason; one that is there and agrees fails too.
"""
import importlib.util
import json
import os
import subprocess
import sys

SKIPPED = 77
RATLS = os.path.join(os.environ["RATLS_BINARY_DIR"], "bin", "ratls")
CORPUS = os.path.join(os.environ["RATLS_SOURCE_DIR"], "..", "shared", "corpus")
EXIT_DIFFERS, EXIT_FAILED = 1, 3

# id of the case: (what the tool says where the corpus records another thing, why)
DISAGREEMENTS = {
    "keylime-bogus": (
        ["not shown"],
        "this is text: the first event would be longer than the file, so that it is no log at all, "
        "which the corpus records as a log of 0 events with an error"),
    "rustkeylime-invalid": (
        ["not shown"],
        "this is a line of text: no list at all, which the corpus records as a list of 0 entries "
        "with an error"),
    "tss-sml-ima-ng-sha1-invalidated": (
        ["entries: '0 entries', recorded is '1 entries'", "template errors: 0, recorded is 1"],
        "the only entry of this list of SHA-1 digests is cut, by a byte; the corpus records what "
        "comes of reading it with digests of 48 bytes: another entry, then an error"),
}


def load_oracle():
    spec = importlib.util.spec_from_file_location("replay", os.path.join(CORPUS, "replay.py"))
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def at(name):
    return os.path.join(CORPUS, name)


def run(*arguments):
    """Exit code, and the object on stdout, or None if there is none."""
    done = subprocess.run([RATLS, "show", "--json", *arguments], capture_output=True, check=False)
    if done.returncode < 0 or done.returncode > EXIT_FAILED:
        raise AssertionError("exit code %d: %s" % (done.returncode, done.stderr.decode()))
    return done.returncode, json.loads(done.stdout) if done.stdout else None


class Findings:
    def __init__(self):
        self.texts = []

    def expect(self, what, seen, recorded):
        if seen != recorded:
            self.texts.append("%s: %r, recorded is %r" % (what, seen, recorded))


FORMATS = {"crypto-agile": "crypto-agile", "sha1-legacy": "sha1", "all-zero": "empty"}


def expect_comparison(found, shown, recorded, code, is_damaged):
    """The outcome of --pcrs for each PCR, and the exit code."""
    has_match = has_difference = False
    for bank, of_bank in recorded.items():
        seen = shown["comparison"].get(bank)
        if of_bank.get("nobank"):
            found.expect(bank + " in log", seen["in-log"], False)
            continue
        found.expect(bank + " match", seen["match"], of_bank["match"])
        found.expect(bank + " differ", seen["differ"], of_bank["mismatch"])
        found.expect(bank + " outside", seen["not-in-log"], of_bank["not_in_log_nonzero"])
        has_match |= bool(of_bank["match"])
        has_difference |= bool(of_bank["mismatch"])
    agrees = has_match and not has_difference
    found.expect("agrees", shown["comparison"]["agrees"], agrees)
    found.expect("exit code", code,
                 EXIT_FAILED if is_damaged else 0 if agrees else EXIT_DIFFERS)


def check_eventlog(oracle, case):
    found = Findings()
    log, values, result = oracle.do_eventlog(at(case["file"]), at(case["pcrs"]) if case.get("pcrs")
                                             else None)
    code, shown = run(at(case["file"]), *(["--pcrs", at(case["pcrs"])] if case.get("pcrs") else []))
    recorded_format, recorded_events = case["expect"].split("; ")[:2]
    if shown is None:
        return ["not shown"]
    found.expect("type", shown["type"], "tcg-event-log")
    found.expect("format", shown["format"], FORMATS.get(recorded_format.split("(")[0]))
    found.expect("events", "%d events" % shown["events"], recorded_events)
    found.expect("listed events", len(shown["log"]), shown["events"])
    found.expect("damaged", "error" in shown, "; ERROR " in case["expect"])
    found.expect("pcrs", {b: {int(p): v for p, v in of.items()} for b, of in shown["pcrs"].items()},
                 {b: {p: v.hex() for p, v in of.items() if p < 24} for b, of in values.items()})
    found.expect("oracle", log.error is not None, "; ERROR " in case["expect"])
    if case.get("pcrs"):
        expect_comparison(found, shown, result["compare"], code, "error" in shown)
    else:
        found.expect("exit code", code, EXIT_FAILED if "error" in shown else 0)
    return found.texts


def ima_comparison(case):
    """{bank: (matches, entries before the match)} of the recorded line."""
    outcome = {}
    for part in case["expect"].split("; "):
        words = part.split()
        if len(words) < 3 or words[1] != "PCR10":
            continue
        after = words[words.index("entry") + 1] if "entry" in words else None
        outcome[words[0]] = (words[2] == "match", after)
    return outcome


def check_ima(oracle, case):
    found = Findings()
    content = open(at(case["file"]), "rb").read()
    parsed = oracle.parse_ima(content)
    code, shown = run(at(case["file"]), *(["--pcrs", at(case["pcrs"])] if case.get("pcrs") else []))
    if shown is None:
        return ["not shown"]
    words = case["expect"].split("; ")
    counts = words[2].split()
    found.expect("type", shown["type"], "ima-list")
    found.expect("entries", "%d entries" % shown["entries"], words[1])
    found.expect("listed entries", len(shown["list"]), shown["entries"])
    found.expect("template errors", shown["template-errors"], int(counts[counts.index("bad") + 1]))
    found.expect("unchecked", shown["template-unchecked"],
                 int(counts[counts.index("unchecked") + 1]))
    found.expect("violations", shown["violations"], int(counts[counts.index("violations") + 1]))
    found.expect("damaged", "error" in shown, "ERROR" in case["expect"])
    for bank in ("sha1", "sha256", "sha384", "sha512"):
        native = oracle.ima_replay(parsed, bank, "log")[0] or oracle.ima_replay(parsed, bank,
                                                                              "calc")[0]
        found.expect(bank, shown["pcrs"].get(bank, {}).get("10"), native and native.hex())
        if shown["bank"] == "sha1" and bank != "sha1":
            padded = oracle.ima_replay(parsed, bank, "pad")[0]
            found.expect(bank + " padded", shown["pcrs-padded"][bank]["10"], padded.hex())
    if not case.get("pcrs"):
        found.expect("exit code", code, EXIT_FAILED if "error" in shown else 0)
        return found.texts
    for bank, (matches, after) in ima_comparison(case).items():
        seen = shown["comparison"][bank]
        found.expect(bank, "match" in seen, matches)
        if matches:
            found.expect(bank + " after", str(seen["after"]), after or str(shown["entries"]))
    seen = shown["comparison"].get("boot-aggregate", "")
    if "from PCR dump" not in case["expect"]: # which need not have those PCRs
        found.expect("boot_aggregate", seen == "agrees", "boot_aggregate" in case["expect"] and
                     case["expect"].endswith(" match"))
    agrees = all(matches for matches, _ in ima_comparison(case).values())
    found.expect("agrees", shown["comparison"]["agrees"], agrees)
    found.expect("exit code", code, 0 if agrees else EXIT_DIFFERS)
    return found.texts


def check_other_forms(found, case, shown):
    """The same signature without its header, the same key as the TPM writes it."""
    folder = os.path.dirname(at(case["file"]))
    forms = [("--signature", name) for name in os.listdir(folder) if name.endswith(".sig.raw")]
    forms += [("--ak", name) for name in os.listdir(folder) if name == "ak.tpm2b_public"]
    for option, name in forms:
        files = {"--signature": at(case["sig"]), "--ak": at(case["pub"]),
                 option: os.path.join(folder, name)}
        _, other = run(at(case["file"]), *[word for pair in files.items() for word in pair])
        found.expect("signature with " + name, other["signature"], shown["signature"])


def check_quote(oracle, case):
    found = Findings()
    arguments = [at(case["file"])]
    attest = oracle.parse_attest(open(at(case["file"]), "rb").read())
    if case.get("pub"):
        arguments += ["--signature", at(case["sig"]), "--ak", at(case["pub"])]
    if case.get("pcrs"):
        arguments += ["--pcrs", at(case["pcrs"])]
    code, shown = run(*arguments)
    if shown is None:
        return ["not shown"]
    check_other_forms(found, case, shown)
    found.expect("type", shown["type"],
                 "tpm-quote" if attest["type"] == 0x8018 else "tpm-attestation")
    if case.get("pub"):
        good = "signature True" in case["expect"]
        found.expect("signature", shown["signature"], "good" if good else "bad")
        found.expect("scheme", shown["signature-algorithm"].split(" (")[0],
                     case["expect"].split()[0].replace("/", " with "))
    if "select" in attest:
        found.expect("selection", shown["selection"], dict(attest["select"]))
        found.expect("pcr-digest", shown["pcr-digest"], attest["pcrDigest"].hex())
    found.expect("extra-data", shown["extra-data"], attest["extraData"].hex())
    if case.get("nonce") is not None:
        found.expect("nonce", shown["extra-data"] == case["nonce"], "nonce True" in case["expect"])
    found.expect("clock", shown["clock"],
                 {"clock": attest["clock"], "resetCount": attest["resetCount"],
                  "restartCount": attest["restartCount"], "safe": bool(attest["safe"])})
    agrees = True
    if case.get("pcrs") and "select" in attest:
        agrees = "pcrDigest True" in case["expect"]
        found.expect("agrees", shown["comparison"]["agrees"], agrees)
    found.expect("exit code", code,
                 0 if agrees and "signature False" not in case["expect"] else EXIT_DIFFERS)
    return found.texts


def main():
    if not os.path.exists(at("cases.json")):
        print("skipped: no corpus at %s" % CORPUS, file=sys.stderr)
        return SKIPPED
    oracle = load_oracle()
    checks = {"eventlog": check_eventlog, "ima": check_ima, "quote": check_quote}
    counts = dict.fromkeys(checks, 0)
    failed = 0
    for case in json.load(open(at("cases.json"), encoding="utf-8")):
        if case["kind"] not in checks:
            continue
        counts[case["kind"]] += 1
        texts = checks[case["kind"]](oracle, case)
        expected, why = DISAGREEMENTS.get(case["id"], ([], None))
        if texts == expected:
            if why is not None:
                print("%s %s: otherwise, for %s" % (case["kind"], case["id"], why))
            continue
        failed += 1
        print("FAILED %s %s\n  %s" % (case["kind"], case["id"], "\n  ".join(texts)))
    print(", ".join("%d of %s" % (n, kind) for kind, n in counts.items()) +
          ": %d failed" % failed)
    return 1 if failed or 0 in counts.values() else 0


if __name__ == "__main__":
    sys.exit(main())
