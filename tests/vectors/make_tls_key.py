#!/usr/bin/env python3
"""The proof that a TLS key is in the TPM (WIRE.md, 3 and 5.3), and the manifest of evidence that
has it beside one certificate, as tls-key.values: by Python's hashlib, and by encoders of its own.
The key is the base point of P-256; certificate, certification and signature are bytes that only
stand for such. For regenerate.sh.

  make_tls_key.py >tls-key.values
"""
import hashlib
import struct

X = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
Y = "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
ATTRIBUTES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 18
SHA256, NULL, ECC, P256 = 0x000B, 0x0010, 0x0023, 0x0003
MEDIA_TYPE = "application/vnd.ratls.tls-key+cbor"


def head(major, argument):
    """RFC 8949, 3, in the shortest form."""
    if argument < 24:
        return bytes([major << 5 | argument])
    if argument < 256:
        return bytes([major << 5 | 24, argument])
    return bytes([major << 5 | 25]) + argument.to_bytes(2, "big")


def cbor(value):
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode("ascii")
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    return head(4, len(value)) + b"".join(cbor(item) for item in value)


def sha256(data):
    return hashlib.sha256(data).digest()


def tpm2b(data):
    return struct.pack(">H", len(data)) + data


def some(first, size):
    return bytes((first + i) % 256 for i in range(size))


x, y = bytes.fromhex(X), bytes.fromhex(Y)
public = (
    struct.pack(">HHI", ECC, SHA256, ATTRIBUTES) + tpm2b(b"")
    + struct.pack(">HHHH", NULL, NULL, P256, NULL) + tpm2b(x) + tpm2b(y)
)
# RFC 5480: id-ecPublicKey, secp256r1, an uncompressed point.
spki = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04" + x + y
name = struct.pack(">H", SHA256) + sha256(public)
extra_data = sha256(b"\x03" + b"ratls-tls-key-1" + sha256(spki))
attest = (
    struct.pack(">IH", 0xFF544347, 0x8017) + tpm2b(some(0x10, 34)) + tpm2b(extra_data)
    + struct.pack(">QIIBQ", 1, 2, 3, 1, 4) + tpm2b(name) + tpm2b(some(0x40, 34))
)
signature = some(0x80, 72)
item = cbor([public, attest, signature])
certificate = some(0x30, 300)
print("# made by make_tls_key.py; item is what evidence has as item 10")
for key, value in (
    ("public", public), ("spki", spki), ("spki-sha256", sha256(spki)), ("name", name),
    ("extra-data", extra_data), ("attest", attest), ("signature", signature), ("item", item),
    ("certificate", certificate),
    ("manifest", sha256(cbor({2: [287, certificate, 2], 10: [MEDIA_TYPE, item, 4]}))),
    ("manifest-alone", sha256(cbor({10: [MEDIA_TYPE, item, 4]}))),
):
    print(f"{key} = {value.hex()}")
