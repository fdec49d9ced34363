#!/usr/bin/env python3
"""`ratls show` on logs, lists and a quote of one boot, whose PCRs a software TPM has extended, and
on what is left of them when they are changed."""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile

RATLS = os.path.join(os.environ["RATLS_BINARY_DIR"], "bin", "ratls")
VECTORS = os.path.join(os.environ["RATLS_SOURCE_DIR"], "tests", "vectors")
OK, REFUSED, USAGE, FAILED = range(4)
OF_BOOT = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14]

failures = []
folder = tempfile.TemporaryDirectory()


def at(name):
    return os.path.join(VECTORS, "measured", name)


def content(name):
    with open(at(name), "rb") as file:
        return file.read()


def write(name, data):
    path = os.path.join(folder.name, name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def run(*arguments):
    done = subprocess.run([RATLS, "show", *arguments], capture_output=True, check=False)
    return done.returncode, done.stdout


def expect(what, code, predicate, *arguments):
    """The exit code, and what holds of the object in JSON (None if there is none)."""
    seen, out = run("--json", *arguments)
    shown = json.loads(out) if out else None
    if seen != code or not predicate(shown):
        failures.append("%s: exit code %d\n%s" % (what, seen, out.decode()))
    print("%s: %s" % ("ok" if seen == code and predicate(shown) else "FAILED", what))


def nothing(shown):
    return shown is None


PCRS = json.loads(content("pcrs.json"))


def agrees_with(banks, pcrs):
    return lambda d: d["comparison"]["agrees"] and all(
        d["comparison"][bank]["match"] == pcrs and
        all(d["pcrs"][bank][str(pcr)] == PCRS[bank][str(pcr)] for pcr in pcrs) for bank in banks)


def changed(bank, pcr):
    """pcrs.json with another value."""
    return {**PCRS, bank: {**PCRS[bank], str(pcr): "00" * (len(PCRS[bank]["0"]) // 2 - 1) + "01"}}


def test_boot_logs():
    both = ("--pcrs", at("pcrs.json"))
    log = content("boot.bin")
    expect("a crypto-agile log gives the PCRs of the TPM", OK,
           agrees_with(["sha1", "sha256", "sha384"], OF_BOOT), at("boot.bin"), *both)
    expect("a log of SHA-1 gives the PCRs of the TPM", OK, agrees_with(["sha1"], OF_BOOT),
           at("boot-sha1.bin"), *both)
    expect("its form", OK, lambda d: (d["type"], d["format"], d["events"], len(d["log"])) ==
           ("tcg-event-log", "crypto-agile", 27, 27), at("boot.bin"))
    expect("what it says of the boot", OK, lambda d: not d["claims"]["authenticated"] and
           d["claims"]["secure-boot"] == "on" and
           d["claims"]["variables"]["db"]["certificates"] == 1 and
           d["claims"]["variables"]["dbx"]["digests"] == 1 and
           [i["digest"] for i in d["claims"]["images"]] == [hashlib.sha256(b"shim").hexdigest()] and
           [a["subject"] for a in d["claims"]["authorities"]] == ["CN=ratls test issuer"] and
           [c["text"] for c in d["claims"]["command-lines"]] ==
           ["/vmlinuz-6.1.0 root=/dev/vda1 ro quiet"], at("boot.bin"))
    for bank in PCRS:
        expect("another PCR 4 in bank " + bank, REFUSED, lambda d, bank=bank:
               d["comparison"][bank]["differ"] == [4] and not d["comparison"]["agrees"],
               at("boot.bin"), "--pcrs", write("pcrs.json", changed(bank, 4)))
    expect("nothing that could be compared", REFUSED, lambda d: not d["comparison"]["agrees"],
           at("boot.bin"), "--pcrs", write("pcrs.json", {"sha256": {"10": PCRS["sha256"]["10"]}}))
    for name, padding in (("zeros", b"\0"), ("ones", b"\xff")):
        expect("an area that is filled with " + name, OK, lambda d: d["padding"] == 1000 and
               d["events"] == 27 and "not-appraisable" in d,
               write("padded", log + padding * 1000), *both)
    expect("a log that is cut", FAILED, lambda d: d["events"] == 26 and "event 26" in d["error"],
           write("cut", log[:-1]))
    expect("an area that nothing was written to", OK, lambda d: (d["format"], d["pcrs"]) ==
           ("empty", {}), write("empty", bytes(4096)))
    _, out = run("--json", at("boot.bin"))
    expect("what it printed, to compare with", OK, agrees_with(["sha256"], OF_BOOT), at("boot.bin"),
           "--pcrs", write("shown", out))


ALGS = {"sha1": 0x0004, "sha256": 0x000B, "sm3_256": 0x0012, "unknown": 0x7777}
LENGTHS = {"sha1": 20, "sha256": 32, "sm3_256": 32, "unknown": 8}


def agile(banks, *events):
    """A log of (PCR, type, {bank: digest}, data)."""
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(banks))
    spec += b"".join(struct.pack("<HH", ALGS[bank], LENGTHS[bank]) for bank in banks) + b"\0"
    log = struct.pack("<II20sI", 0, 3, b"", len(spec)) + spec
    for pcr, kind, digests, data in events:
        log += struct.pack("<III", pcr, kind, len(digests))
        log += b"".join(struct.pack("<H", ALGS[bank]) + digest for bank, digest in digests)
        log += struct.pack("<I", len(data)) + data
    return log


def extend(first, *digests, name="sha256"):
    for digest in digests:
        first = hashlib.new(name, first + digest).digest()
    return first.hex()


def test_odd_logs():
    """What strict readers refuse, or nobody can compute, and what is left to show of it."""
    one, two, some = b"\1" * 32, b"\2" * 32, b"\3" * 8
    zeros, both = bytes(32), ["sha256", "unknown"]
    locality = b"StartupLocality\0"
    cases = {
        "a hash that nobody knows": (agile(both, (7, 4, [("sha256", one), ("unknown", some)], b"")),
                                     {"7": extend(zeros, one)}),
        "a digest that is not there": (agile(both, (7, 4, [("sha256", one)], b""),
                                             (7, 4, [("unknown", some)], b"")),
                                       {"7": extend(zeros, one)}),
        "a digest that was not announced": (agile(["sha256"], (7, 4, [
            ("sm3_256", two), ("sha256", one)], b"")), {"7": extend(zeros, one)}),
        "no PCR": (agile(["sha256"], (24, 4, [("sha256", one)], b"x"),
                         (0xFFFFFFFF, 3, [("sha256", zeros)], b"x"),
                         (1, 4, [("sha256", one)], b"")), {"1": extend(zeros, one)}),
        "locality 3": (agile(["sha256"], (0, 3, [("sha256", zeros)], locality + b"\3"),
                             (0, 8, [("sha256", one)], b"")),
                       {"0": extend(zeros[:31] + b"\3", one)}),
        "a locality that comes too late": (agile(["sha256"], (0, 8, [("sha256", one)], b""), (
            0, 3, [("sha256", zeros)], locality + b"\3"), (0, 8, [("sha256", two)], b"")),
                                           {"0": extend(zeros, one, two)}),
        "an H-CRTM": (agile(["sha256"], (0, 0x80000010, [("sha256", one)], b"HCRTM")),
                      {"0": extend(zeros[:31] + b"\4", one)}),
        "a dynamic launch": (agile(["sha256"], (17, 5, [("sha256", one)], b"")),
                             {"17": extend(b"\xff" * 32, one)}),
        "an EV_NO_ACTION with a digest": (agile(["sha256"], (7, 3, [("sha256", one)], b"")), {}),
    }
    for name, (log, pcrs) in cases.items():
        expect(name, OK, lambda d, pcrs=pcrs: d["pcrs"] == {"sha256": pcrs}, write("odd", log))
    log = agile(["sm3_256"], (7, 4, [("sm3_256", one)], b""))
    if "sm3" in hashlib.algorithms_available:
        expect("a bank of SM3", OK, lambda d: "claims" not in d and d["pcrs"] == {
            "sm3_256": {"7": extend(zeros, one, name="sm3")}}, write("sm3", log))
    expect("a hash of no length", FAILED, lambda d: d["events"] == 1 and "event 1" in d["error"],
           write("odd", agile(["sha256"], (7, 4, [("unknown", some)], b""))))
    expect("a header of 17 hashes", FAILED, lambda d: (d["events"], d["pcrs"]) == (0, {}),
           write("odd", agile(["sha256"] * 17)))


def extended(digests, bank="sha256"):
    """{bank: {"10": value}} after these were extended."""
    value = bytes(len(hashlib.new(bank).digest()))
    for digest in digests:
        value = hashlib.new(bank, value + digest).digest()
    return {bank: {"10": value.hex()}}


def test_ima_lists():
    _, out = run("--json", at("ima.bin"))
    listed = [bytes.fromhex(entry["digest"]) for entry in json.loads(out)["list"]]
    extends = [digest if any(digest) else b"\xff" * 20 for digest in listed]
    for name, banks in (("ima.bin", PCRS), ("ima-sha256.bin", PCRS), ("ima.txt", PCRS)):
        expect(name + " gives PCR 10 of the TPM", OK, agrees_with(banks, [10]), at(name), "--pcrs",
               at("pcrs.json"))
        expect(name + " is of this boot", OK,
               lambda d: d["comparison"]["boot-aggregate"] == "agrees", at(name), "--pcrs",
               at("pcrs.json"))
        expect(name + " is of no other boot", OK, lambda d:
               d["comparison"]["boot-aggregate"].startswith("differs"), at(name), "--pcrs",
               write("pcrs.json", changed("sha256", 4)))
        expect(name + ": its counts", OK, lambda d: d["type"] == "ima-list" and
               (d["entries"], d["violations"], d["template-errors"], d["signatures"]) ==
               (8, 1, 0, 1), at(name))
        expect(name + " that is cut", FAILED if name != "ima.txt" else OK,
               lambda d: d["entries"] == 8 - ("error" in d), write("cut", content(name)[:-1]))
        expect(name + " with another path", OK, lambda d: d["template-errors"] == 1,
               write("changed", content(name).replace(b"a_file", b"b_file")))
        expect(name + " and another PCR 10", REFUSED, lambda d:
               d["comparison"]["sha384"]["differ"] == [10], at(name), "--pcrs",
               write("pcrs.json", changed("sha384", 10)))
    expect("a PCR 10 that was read earlier", OK, lambda d: d["comparison"]["sha1"]["after"] == 3,
           at("ima.bin"), "--pcrs", write("pcrs.json", extended(extends[:3], "sha1")))
    expect("kernels before 5.8", OK, lambda d: d["comparison"]["sha256"]["padded"] and
           d["comparison"]["sha256"]["after"] == 8, at("ima.bin"), "--pcrs",
           write("pcrs.json", extended(digest.ljust(32, b"\0") for digest in extends)))
    expect("an unknown template", OK, lambda d: d["entries"] == 8 and d["template-errors"] == 0,
           write("unknown", content("ima.bin").replace(b"ima-buf", b"ima-xyz")))


def flipped(data, at_byte):
    return data[:at_byte] + bytes([data[at_byte] ^ 1]) + data[at_byte + 1:]


def test_quotes():
    attest, ak = content("tss.attest.bin"), content("ak.tpm2b")
    signature = content("tss.signature.bin")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", at("ak.pem"), "-outform", "DER"],
                         capture_output=True, check=True).stdout
    keys = {"TPM2B_PUBLIC": at("ak.tpm2b"), "TPMT_PUBLIC": write("ak", ak[2:]),
            "PEM": at("ak.pem"), "DER": write("ak.der", der)}
    by_ak = ("--ak", keys["PEM"])
    good = ("--signature", at("tss.signature.bin"), *by_ak)

    def is_signed(word):
        return lambda d: d["type"] == "tpm-quote" and d["signature"] == word

    for name, key in keys.items():
        expect("the key as " + name, OK, is_signed("good"), at("tss.attest.bin"), "--signature",
               at("tss.signature.bin"), "--ak", key)
    expect("the signature alone, in DER", OK, is_signed("good"), at("plain.attest.bin"),
           "--signature", at("plain.signature.bin"), *by_ak)
    r_len = struct.unpack_from(">H", signature, 4)[0]
    r, s = signature[6:6 + r_len], signature[8 + r_len:]
    expect("the signature alone, r and s", OK, is_signed("good"), at("tss.attest.bin"),
           "--signature", write("rs", r.rjust(32, b"\0") + s.rjust(32, b"\0")), *by_ak)
    expect("a TPM2B_ATTEST", OK, is_signed("good"),
           write("tpm2b", struct.pack(">H", len(attest)) + attest), *good)
    expect("what it says", OK, lambda d: d["extra-data"] == "000102030405" and
           d["selection"] == {"sha256": list(range(15)), "sha1": [10]} and
           set(d["clock"]) == {"clock", "resetCount", "restartCount", "safe"} and
           len(d["pcr-digest"]) == 64 and "signature" not in d, at("tss.attest.bin"))
    expect("the PCRs of the TPM", OK, lambda d: d["comparison"]["agrees"], at("tss.attest.bin"),
           "--pcrs", at("pcrs.json"), *good)
    expect("other PCRs", REFUSED, lambda d: not d["comparison"]["agrees"], at("tss.attest.bin"),
           "--pcrs", write("pcrs.json", changed("sha1", 10)), *good)
    expect("a PCR too few", REFUSED, lambda d: d["comparison"]["missing"] == "PCR 10 of bank sha1",
           at("tss.attest.bin"), "--pcrs", write("pcrs.json", {"sha256": PCRS["sha256"]}))
    nonce = attest.index(bytes(range(6)))
    expect("another nonce", REFUSED, is_signed("bad"), write("attest", flipped(attest, nonce)),
           *good)
    expect("another signature", REFUSED, is_signed("bad"), at("tss.attest.bin"), "--signature",
           write("signature", flipped(signature, 20)), *by_ak)
    expect("another key, in a certificate", REFUSED, is_signed("bad"), at("tss.attest.bin"),
           "--signature", at("tss.signature.bin"), "--ak", os.path.join(VECTORS,
                                                                        "ak-certificate.der"))
    expect("no key", FAILED, lambda d: "signature" not in d, at("tss.attest.bin"), "--signature",
           at("tss.signature.bin"), "--ak", at("pcrs.json"))
    expect("a quote that is cut", FAILED, lambda d: "error" in d, write("cut", attest[:-1]))


def test_usage():
    expect("a signature without a key", USAGE, nothing, at("tss.attest.bin"), "--signature",
           at("tss.signature.bin"))
    expect("the signature of a log", FAILED, nothing, at("boot.bin"), "--signature",
           at("tss.signature.bin"), "--ak", at("ak.pem"))
    expect("PCRs of a certificate", FAILED, nothing, os.path.join(VECTORS, "certificate.der"),
           "--pcrs", at("pcrs.json"))
    for name, wrong in {"no JSON": b"{", "no bank": {}, "an unknown bank": {"sha2": {}},
                        "PCR 24": {"sha1": {"24": "00" * 20}},
                        "PCR 01": {"sha1": {"01": "00" * 20}},
                        "a short value": {"sha1": {"1": "00" * 19}}, "a number": {"sha1": {"1": 1}},
                        "a bank twice": b'{"sha1": {}, "sha1": {}}'}.items():
        expect("PCRs: " + name, USAGE, nothing, at("boot.bin"), "--pcrs", write("pcrs.json", wrong))


def test_text():
    escape = b"\x1b[2Jxx"
    lines = {
        "boot.bin": [b"UNAUTHENTICATED", b"root=/dev/vda1", b"CN=ratls test issuer",
                     b"\\EFI\\BOOT\\BOOTX64.EFI", PCRS["sha384"]["4"].encode()],
        "ima.bin": [b"UNAUTHENTICATED", b"/usr/bin/signed  (signed)", b"VIOLATION"],
        "tss.attest.bin": [b"UNAUTHENTICATED", b"000102030405"],
    }
    for name, texts in lines.items():
        code, out = run(at(name))
        if code != OK or any(text not in out for text in texts):
            failures.append("%s in words: %s" % (name, out.decode()))
    for name, old in (("boot.bin", b"set ro"), ("ima.bin", b"a_file"), ("ima.txt", b"a_file")):
        path = write("escape", content(name).replace(old, escape))
        for out in run(path)[1], run("--json", path)[1]:
            if b"\x1b" in out or b"[2Jx" not in out:
                failures.append("%s: control characters: %s" % (name, out))


def main():
    test_boot_logs()
    test_odd_logs()
    test_ima_lists()
    test_quotes()
    test_usage()
    test_text()
    for failure in failures:
        print("FAILED " + failure)
    print("%d failed" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
