#!/usr/bin/env python3
"""A second reading of tests/vectors/machine, with nothing but Python's standard library and none of
our code: quote, statement, boot log and IMA list of each capture hang together, or not, as its
verdict says. What the policy allows is not looked at.

  check_machine.py FOLDER      (unpacked)
"""
import glob
import hashlib
import json
import os
import struct
import sys

BANKS = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
NO_ACTION = 3
IMA_PCR = 10
FIRMWARE_PCRS = [pcr for pcr in range(16) if pcr != IMA_PCR]
# NIST P-256 (FIPS 186-5; SP 800-186, 3.2.1.3)
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


class Reader:
    """Numbers and bytes, one behind the other."""

    def __init__(self, data, order):
        self.data, self.order, self.at = data, order, 0

    def take(self, size):
        if size > len(self.data) - self.at:
            raise ValueError("cut at byte %d" % self.at)
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), self.order)

    def sized(self, size):
        """Bytes behind their length, which has `size` bytes."""
        return self.take(self.number(size))

    def more(self):
        return self.at < len(self.data)


def read_item(r):
    """The CBOR of WIRE.md, 1 (RFC 8949, 3)."""
    head = r.number(1)
    kind, value = head >> 5, head & 31
    if value > 23:
        value = r.number(1 << value - 24)
    if kind == 0:
        return value
    if kind in (2, 3):
        return r.take(value) if kind == 2 else r.take(value).decode("ascii")
    if kind == 4:
        return [read_item(r) for _ in range(value)]
    if kind == 5:
        return {read_item(r): read_item(r) for _ in range(value)}
    raise ValueError("CBOR of type %d" % kind)


def cbor(data):
    r = Reader(data, "big")
    item = read_item(r)
    if r.more():
        raise ValueError("more than one item")
    return item


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def add(a, b):
    """Of points of the curve; None is the one at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    if a == b:
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(factor, point):
    result = None
    for bit in bin(factor)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def is_signed(public, signature, message):
    """ECDSA on P-256 with SHA-256: TPMT_PUBLIC, TPMT_SIGNATURE (TPM 2.0 Part 2, 12.2.4, 11.3.4)."""
    r = Reader(public, "big")
    kind, _, _ = r.number(2), r.number(2), r.number(4)
    r.sized(2)
    symmetric, scheme, scheme_hash, curve, kdf = (r.number(2) for _ in range(5))
    if (kind, symmetric, scheme, scheme_hash, curve, kdf) != (0x23, 0x10, 0x18, 0xB, 3, 0x10):
        raise ValueError("not a key of ECDSA on P-256 with SHA-256")
    key = tuple(int.from_bytes(r.sized(2), "big") for _ in range(2))
    s = Reader(signature, "big")
    if (s.number(2), s.number(2)) != (0x18, 0xB):
        raise ValueError("not a signature by ECDSA with SHA-256")
    r_, s_ = (int.from_bytes(s.sized(2), "big") for _ in range(2))
    inverse = pow(s_, -1, N)
    hashed = int.from_bytes(sha256(message), "big")
    point = add(times(hashed * inverse % N, G), times(r_ * inverse % N, key))
    return point is not None and point[0] % N == r_


def read_quote(attest):
    """extraData, {bank: [PCR]} in the order of the quote, and pcrDigest (Part 2, 10.12.8)."""
    r = Reader(attest, "big")
    if r.take(6) != b"\xffTCG\x80\x18":
        raise ValueError("not a quote")
    r.sized(2)
    extra = r.sized(2)
    r.take(8 + 4 + 4 + 1 + 8)
    selection = []
    for _ in range(r.number(4)):
        bank, bits = BANKS[r.number(2)], int.from_bytes(r.sized(1), "little")
        selection.append((bank, [pcr for pcr in range(24) if bits >> pcr & 1]))
    return extra, selection, r.sized(2)


def root(leaf, path):
    """RFC 9162, 2.1.3.2: the root of a tree in which this leaf is."""
    index, size, hashes = path
    last = size - 1
    for at in range(0, len(hashes), 32):
        other = hashes[at:at + 32]
        if index & 1 or index == last:
            leaf = sha256(b"\1", other, leaf)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = sha256(b"\1", leaf, other)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None


def extend(bank, value, digest):
    return hashlib.new(bank, value + digest).digest()


def read_banks(header):
    """{algorithm: length of its digests} of the log's first event (PFP, 10.4.5.1)."""
    r = Reader(header, "little")
    if r.take(24)[:16] != b"Spec ID Event03\0":
        raise ValueError("not a crypto-agile log")
    return {r.number(2): r.number(2) for _ in range(r.number(4))}


def read_digests(r, banks):
    """{bank: digest}: each event has one of each bank of the header."""
    digests = {}
    for _ in range(r.number(4)):
        alg = r.number(2)
        if alg not in banks or alg in digests:
            raise ValueError("a digest of another bank")
        digests[alg] = r.take(banks[alg])
    if len(digests) != len(banks):
        raise ValueError("an event without a digest of each bank")
    return {BANKS[alg]: digest for alg, digest in digests.items()}


def replay_boot_log(log):
    """{bank: {PCR: value}}: of each bank of the log (PFP, 10)."""
    r = Reader(log, "little")
    r.take(4 + 4 + 20)
    banks = read_banks(r.sized(4))
    widths = {BANKS[alg]: size for alg, size in banks.items()}
    pcrs = {bank: {pcr: bytes(size) for pcr in FIRMWARE_PCRS} for bank, size in widths.items()}
    while r.more():
        pcr, kind = r.number(4), r.number(4)
        digests, data = read_digests(r, banks), r.sized(4)
        if kind != NO_ACTION and pcr not in FIRMWARE_PCRS:
            raise ValueError("an event of PCR %d" % pcr)
        if kind == NO_ACTION and data.startswith(b"StartupLocality\0"):
            for bank, size in widths.items():
                pcrs[bank][0] = data[16:].rjust(size, b"\0")
        elif kind != NO_ACTION:
            for bank, digest in digests.items():
                pcrs[bank][pcr] = extend(bank, pcrs[bank][pcr], digest)
    return pcrs


class OtherEntry(ValueError):
    """An entry of an IMA list is not what its digest says."""


def read_ima_list(entries, list_alg):
    """[(data, is it a violation)], and (algorithm, digest) of boot_aggregate."""
    r = Reader(entries, "little")
    size = hashlib.new(BANKS[list_alg]).digest_size
    listed, aggregate = [], None
    while r.more():
        if r.number(4) != IMA_PCR:
            raise ValueError("an entry of another PCR")
        digest, template, data = r.take(size), r.sized(4), r.sized(4)
        if any(digest) and digest != hashlib.new(BANKS[list_alg], data).digest():
            raise OtherEntry("entry %d has another digest" % len(listed))
        if not listed:
            fields = Reader(data, "little")
            algorithm, value = fields.sized(4).split(b":\0", 1)
            if template not in (b"ima-ng", b"ima-sig") or fields.sized(4) != b"boot_aggregate\0":
                raise ValueError("it does not begin with boot_aggregate")
            aggregate = algorithm.decode(), value
        listed.append((data, not any(digest)))
    return listed, aggregate


def leads_to(listed, bank, quoted, is_padded):
    """Does a prefix of the list? Padded: where the kernel has not the bank's hash, it extends SHA-1
    and zeros."""
    width = hashlib.new(bank).digest_size
    value = bytes(width)
    for data, is_violation in listed:
        digest = hashlib.new("sha1" if is_padded else bank, data).digest().ljust(width, b"\0")
        value = extend(bank, value, b"\xff" * width if is_violation else digest)
        if value == quoted:
            return True
    return False


class Capture:
    """What hangs together in it, check by check."""

    def __init__(self, data):
        fields = cbor(data)
        self.known = fields[4:9]  # version, suite, nonce, binder, key
        self.items = cbor(fields[9])
        self.ima = cbor(self.items[6][1]) if 6 in self.items else None
        for more in fields[10]:
            self.ima[3] += cbor(cbor(more)[6][1])[3]
        self.statement, self.path, self.attest, self.signature, self.public, self.values = \
            cbor(self.items[1][1])

    def pcrs(self, selection):
        r = Reader(self.values, "big")
        return {bank: {pcr: r.take(hashlib.new(bank).digest_size) for pcr in pcrs}
                for bank, pcrs in selection}

    def check_quote(self):
        """{check: does it hold}, and the quoted PCRs."""
        extra, selection, digest = read_quote(self.attest)
        statement = cbor(self.statement)
        leaf = sha256(b"\0", self.statement)
        return {"quote.signature": is_signed(self.public, self.signature, self.attest),
                "quote.extraData": root(leaf, self.path) == extra,
                "statement.binder": statement[3:8] == self.known,
                "pcr.digest": sha256(self.values) == digest}, self.pcrs(selection)

    def check_boot_log(self, quoted):
        if 5 not in self.items:
            return {}
        logged = replay_boot_log(self.items[5][1])
        return {"boot.replay": any(bank in quoted for bank in logged) and
                all(quoted.get(bank, {}).get(pcr, value) == value
                    for bank, pcrs in logged.items() for pcr, value in pcrs.items())}

    def check_ima_list(self, quoted):
        if self.ima is None:
            return {}
        bank = [bank for bank in quoted if IMA_PCR in quoted[bank]][0]
        listed, aggregate = read_ima_list(self.ima[3], self.ima[0])
        if not any(leads_to(listed, bank, quoted[bank][IMA_PCR], is_padded)
                   for is_padded in (False, True)):
            return {"ima.replay": False}
        first = b"".join(quoted[bank][pcr] for pcr in range(10))
        return {"ima.replay": True,
                "ima.boot-aggregate": aggregate == (bank, hashlib.new(bank, first).digest())}


def read_capture(path):
    with open(path[:-len("verdict")] + "capture", "rb") as file:
        return Capture(file.read())


def failed_checks(path):
    with open(path, encoding="ascii") as file:
        return {line[len("check = "):].strip() for line in file if line.startswith("check = ")}


def judge(capture):
    """{check: does it hold}, of all that can be judged without a policy."""
    holds, quoted = capture.check_quote()
    try:
        holds.update(capture.check_boot_log(quoted))
    except ValueError:
        holds["boot.format"] = False
    try:
        holds.update(capture.check_ima_list(quoted))
    except OtherEntry:
        holds["ima.entry"] = False
    except ValueError:
        holds["ima.format"] = False
    return holds


def check_vector(path):
    """Is all as the verdict says?"""
    failed = failed_checks(path)
    holds = judge(read_capture(path))
    wrong = [check for check, does in holds.items() if does == (check in failed)]
    print("%s: %s: %s" % ("FAILED" if wrong else "ok", os.path.basename(path)[:-len(".verdict")],
                          ", ".join(check if does else "not " + check
                                    for check, does in holds.items())))
    return not wrong


def flipped(data, at):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def check_changed(path):
    """This page would see it: what is changed in an accepted one does not hold any more."""
    changes = [("attest", -1), ("signature", -1), ("statement", -20), ("values", 0)]
    missed = []
    for part, at in changes:
        capture = read_capture(path)
        setattr(capture, part, flipped(getattr(capture, part), at))
        if all(judge(capture).values()):
            missed.append(part)
    capture = read_capture(path)
    log = capture.items[5][1]
    digest = 32 + int.from_bytes(log[28:32], "little") + 14  # of the first event
    capture.items[5][1] = flipped(log, digest)
    if judge(capture)["boot.replay"]:
        missed.append("boot log")
    for change, check in ((lambda list_: flipped(list_, 4), "ima.entry"),
                          (lambda list_: b"", "ima.replay")):
        capture = read_capture(path)
        capture.ima[3] = change(capture.ima[3])
        if judge(capture).get(check, True):
            missed.append(check)
    print("%s: %s: changed, it does not hold %s" % (
        "FAILED" if missed else "ok", os.path.basename(path)[:-len(".verdict")], " ".join(missed)))
    return not missed


def check_measured():
    """A log of a machine whose TPM has three banks leads to what its PCRs are in each of them."""
    folder = os.path.join(os.path.dirname(os.path.realpath(__file__)), "measured")
    with open(os.path.join(folder, "pcrs.json"), encoding="ascii") as file:
        known = json.load(file)
    with open(os.path.join(folder, "boot.bin"), "rb") as file:
        logged = replay_boot_log(file.read())
    compared = [(bank, pcr) for bank, values in known.items() for pcr in values
                if int(pcr) != IMA_PCR]
    wrong = [place for place in compared
             if logged.get(place[0], {}).get(int(place[1]), b"").hex() != known[place[0]][place[1]]]
    print("%s: measured/boot.bin in %s %s" % (
        "FAILED" if wrong else "ok", ", ".join(known), wrong or ""))
    return len(logged) > 1 and bool(compared) and not wrong


def main(folder):
    paths = sorted(glob.glob(os.path.join(folder, "*.verdict")))
    wrong = [path for path in paths if not check_vector(path)]
    accepted = [path for path in paths if not failed_checks(path)]
    wrong += [path for path in accepted if not check_changed(path)]
    print("%d vectors, %d wrong" % (len(paths), len(wrong)))
    return 1 if not check_measured() or wrong or not accepted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
