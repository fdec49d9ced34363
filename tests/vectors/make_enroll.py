#!/usr/bin/env python3
"""The messages of an enrolment (WIRE.md, 14), and what ties them together, as enroll.values: by
Python's hashlib and hmac, and by an encoder of CBOR of its own. Keys, certificates and signatures
are bytes that only stand for such. For regenerate.sh.

  make_enroll.py >enroll.values
"""
import hashlib
import hmac


def head(major, argument):
    """RFC 8949, 3, in the shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | info]) + argument.to_bytes(size, "big")
    raise OverflowError(argument)


def cbor(value):
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode("ascii")
    return head(4, len(value)) + b"".join(cbor(item) for item in value)


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def some(first, size):
    return bytes((first + i) % 256 for i in range(size))


VALUES = {
    "nonce": some(0x00, 32),
    "name-1": "192.0.2.1",
    "name-2": "2001:db8::1",
    "name-3": "web.example.org",
    "ek-template": 2,
    "ek-public": some(0x20, 50),
    "ek-certificate-1": some(0x30, 70),
    "ek-certificate-2": some(0x40, 23),
    "ak-public": some(0x50, 60),
    "token": "a token of some administrator",
    "token-id": some(0x60, 8),
    "id": some(0x70, 16),
    "expires": 1800000000,
    "credential-blob": some(0x80, 68),
    "encrypted-secret": some(0x90, 68),
    "secret": some(0xA0, 32),
    "attest": some(0xB0, 100),
    "signature": some(0xC0, 72),
    "certificate-1": some(0xD0, 200),
    "certificate-2": some(0xE0, 24),
}


def request(token):
    v = VALUES
    return cbor(["ratls-enroll-request-1", v["nonce"], [v["name-1"], v["name-2"], v["name-3"]],
                 v["ek-template"], v["ek-public"], [v["ek-certificate-1"], v["ek-certificate-2"]],
                 v["ak-public"], token])


def add_messages(v):
    v["token-mac"] = mac(sha256(v["token"].encode("ascii")), request([]))
    v["request"] = request([v["token-id"], v["token-mac"]])
    v["challenge"] = cbor(["ratls-enroll-challenge-1", v["id"], sha256(v["request"]), v["expires"],
                           v["credential-blob"], v["encrypted-secret"]])
    v["transcript"] = b"ratls-enroll-1" + sha256(v["request"]) + sha256(v["challenge"])
    v["answer-key"] = mac(v["secret"], b"ratls-enroll-answer-1")
    v["mac"] = mac(v["answer-key"], v["transcript"])
    v["extra-data"] = sha256(b"\x02" + v["transcript"])
    v["answer"] = cbor(["ratls-enroll-answer-1", v["id"], v["mac"], v["attest"], v["signature"]])
    v["result"] = cbor(["ratls-enroll-result-1", v["id"],
                        [v["certificate-1"], v["certificate-2"]]])


def line(name, value):
    if isinstance(value, str):
        return '%s = "%s"' % (name, value)
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return "%s = %s" % (name, value.hex())


if __name__ == "__main__":
    add_messages(VALUES)
    print("# made by make_enroll.py; request, challenge, answer and result are whole messages")
    for item in VALUES.items():
        print(line(*item))
