"""Logs of a machine that never was: the firmware's (crypto-agile, SHA-256) and that of Linux IMA.

make_logs.py boot OUT CERTIFICATE.der [secure-boot=off] [loader=TEXT] [cmdline=TEXT] [kernel=TEXT]
make_logs.py ima OUT BOOT-LOG [PATH=CONTENT]... [violation=PATH] [sign=KEY,KEYID]
    what follows sign= is signed by the RSA key, which a certificate with that end of its
    subjectKeyIdentifier (hexadecimal) has
make_logs.py sha1 OUT LIST: a kernel's list for the SHA-256 bank, as it is for SHA-1
make_logs.py event OUT LOG NUMBER TEXT: a real log in which another thing was measured there
make_logs.py entry OUT LIST NUMBER TEXT: a list (SHA-1) in which that file has this content

What differs between two machines, or two boots, is what the words say."""
import hashlib
import struct
import subprocess
import sys

SEPARATOR, ACTION, IPL, NO_ACTION, POST_CODE = 4, 0x80000007, 0xD, 3, 1
VARIABLE, AUTHORITY, APPLICATION = 0x80000001, 0x800000E0, 0x80000003
GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
DATABASE = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
OWNER = bytes(16)
X509_LIST = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")


def sha256(data):
    return hashlib.sha256(data).digest()


def event(pcr, kind, data, measured=None):
    digest = sha256(data if measured is None else measured)
    return (struct.pack("<III", pcr, kind, 1) + struct.pack("<H", 0xB) + digest +
            struct.pack("<I", len(data)) + data)


def variable(kind, guid, name, content):
    wide = name.encode("utf-16-le")
    return event(7, kind, guid + struct.pack("<QQ", len(name), len(content)) + wide + content)


def signature_list(certificate):
    size = 16 + len(certificate)
    return X509_LIST + struct.pack("<III", 28 + size, 0, size) + OWNER + certificate


def image(path, content):
    wide = (path + "\0").encode("utf-16-le")
    node = struct.pack("<BBH", 4, 4, 4 + len(wide)) + wide + struct.pack("<BBH", 0x7F, 0xFF, 4)
    data = struct.pack("<QQQQ", 0x1000, 0x2000, 0, len(node)) + node
    return event(4, APPLICATION, data, content)


def header():
    data = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, 1)
    data += struct.pack("<HH", 0xB, 32) + b"\0"
    return struct.pack("<II", 0, NO_ACTION) + bytes(20) + struct.pack("<I", len(data)) + data


def boot_log(certificate, words):
    state = b"\0" if words.get("secure-boot") == "off" else b"\1"
    loader = words.get("loader", "loader 1")
    cmdline = words.get("cmdline", "/vmlinuz root=/dev/vda1 quiet")
    kernel = words.get("kernel", "kernel 1")
    log = header()
    log += event(0, POST_CODE, b"firmware 1")
    log += event(1, POST_CODE, words.get("setting", "setting 1").encode())
    log += variable(VARIABLE, GLOBAL, "SecureBoot", state)
    for guid, name in (GLOBAL, "PK"), (GLOBAL, "KEK"), (DATABASE, "db"):
        log += variable(VARIABLE, guid, name, signature_list(certificate))
    log += variable(VARIABLE, DATABASE, "dbx", words.get("dbx", "").encode())
    for pcr in range(8):
        log += event(pcr, SEPARATOR, bytes(4))
    log += event(4, ACTION, b"Calling EFI Application from Boot Option")
    if state == b"\1":
        log += variable(AUTHORITY, DATABASE, "db", OWNER + certificate)
    log += image("\\EFI\\demo\\grubx64.efi", loader.encode())
    if words.get("owner-keys") != "none":
        log += event(14, IPL, b"MokList\0", b"keys of the owner")
    for command in "set pager=1", "linux " + cmdline, "menuentry 'a*' {\n\tboot\n}":
        log += event(8, IPL, b"grub_cmd: " + command.encode() + b"\0", command.encode())
    log += event(9, IPL, b"(hd0,gpt1)/vmlinuz\0", kernel.encode())
    log += event(8, IPL, b"kernel_cmdline: " + cmdline.encode() + b"\0", cmdline.encode())
    log += event(9, IPL, b"(hd0,gpt1)/initrd.img\0", b"initrd 1")
    log += event(5, ACTION, b"Exit Boot Services Invocation")
    log += event(5, ACTION, b"Exit Boot Services Returned with Success")
    return log


def pcrs_of(log):
    """PCR 0 to 9 after such a log."""
    pcrs = [bytes(32)] * 24
    at = len(header())
    while at < len(log):
        pcr, _, _ = struct.unpack_from("<III", log, at)
        digest = log[at + 14:at + 46]
        length, = struct.unpack_from("<I", log, at + 46)
        pcrs[pcr] = sha256(pcrs[pcr] + digest)
        at += 50 + length
    return pcrs[:10]


def sign(digest, key, key_id):
    """The xattr security.ima: a signature, version 2, with SHA-256."""
    made = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-pkeyopt",
                           "digest:sha256"], input=digest, stdout=subprocess.PIPE, check=True)
    return struct.pack(">BBB", 3, 2, 4) + bytes.fromhex(key_id) + \
        struct.pack(">H", len(made.stdout)) + made.stdout


def ima_entry(path, digest, violation=False, signer=None):
    fields = [b"sha256:\0" + digest, path.encode() + b"\0"]
    if signer:
        fields.append(sign(digest, *signer))
    template = b"ima-sig" if signer else b"ima-ng"
    data = b"".join(struct.pack("<I", len(field)) + field for field in fields)
    claimed = bytes(20) if violation else hashlib.sha1(data).digest()
    return (struct.pack("<I", 10) + claimed + struct.pack("<I", len(template)) + template +
            struct.pack("<I", len(data)) + data)


def ima_list(log, files):
    entries = [ima_entry("boot_aggregate", sha256(b"".join(pcrs_of(log))))]
    signer = None
    for path, content in files:
        if path == "violation":
            entries.append(ima_entry(content, bytes(32), True))
        elif path == "sign":
            signer = content.split(",")
        else:
            entries.append(ima_entry(path, sha256(content.encode()), False, signer))
    return b"".join(entries)


def with_sha1(entries):
    """The same template data under other digests."""
    out, at = b"", 0
    while at < len(entries):
        pcr, = struct.unpack_from("<I", entries, at)
        name_len, = struct.unpack_from("<I", entries, at + 36)
        data_len, = struct.unpack_from("<I", entries, at + 40 + name_len)
        data = entries[at + 44 + name_len:][:data_len]
        out += struct.pack("<I", pcr) + hashlib.sha1(data).digest()
        out += entries[at + 36:at + 44 + name_len] + data
        at += 44 + name_len + data_len
    return out


HASHES = {0x4: "sha1", 0xB: "sha256", 0xC: "sha384", 0xD: "sha512"}


def with_event(log, number, text):
    """In PCR 8 a text with GRUB's label before it; elsewhere only the digests change."""
    at = 32 + struct.unpack_from("<I", log, 28)[0]
    out = log[:at]
    count = 0
    while at < len(log):
        count += 1
        pcr, kind, digests = struct.unpack_from("<III", log, at)
        end = at + 12
        algs = []
        for _ in range(digests):
            algs.append(struct.unpack_from("<H", log, end)[0])
            end += 2 + hashlib.new(HASHES[algs[-1]]).digest_size
        length, = struct.unpack_from("<I", log, end)
        data = log[end + 4:end + 4 + length]
        if count != number:
            out += log[at:end + 4 + length]
        else:
            if pcr == 8:
                data = data.split(b" ", 1)[0] + b" " + text + b"\0"
            out += struct.pack("<III", pcr, kind, digests)
            for alg in algs:
                out += struct.pack("<H", alg) + hashlib.new(HASHES[alg], text).digest()
            out += struct.pack("<I", len(data)) + data
        at = end + 4 + length
    return out


def with_entry(entries, number, text):
    out, at, count = b"", 0, 0
    while at < len(entries):
        count += 1
        name_len, = struct.unpack_from("<I", entries, at + 24)
        data_len, = struct.unpack_from("<I", entries, at + 28 + name_len)
        data = bytearray(entries[at + 32 + name_len:][:data_len])
        if count == number:
            field_len, = struct.unpack_from("<I", data, 0)
            data[4 + field_len - 32:4 + field_len] = sha256(text)
        out += entries[at:at + 4] + (hashlib.sha1(data).digest() if count == number
                                     else entries[at + 4:at + 24])
        out += entries[at + 24:at + 32 + name_len] + data
        at += 32 + name_len + data_len
    return out


def change(kind, given, words):
    number, text = int(words[0]), words[1].encode()
    return with_event(given, number, text) if kind == "event" else with_entry(given, number, text)


def main(kind, out, source, *words):
    with open(source, "rb") as stream:
        given = stream.read()
    if kind in ("event", "entry"):
        made = change(kind, given, words)
    elif kind == "sha1":
        made = with_sha1(given)
    else:
        pairs = [word.split("=", 1) for word in words]
        made = boot_log(given, dict(pairs)) if kind == "boot" else ima_list(given, pairs)
    with open(out, "wb") as stream:
        stream.write(made)


main(*sys.argv[1:])
