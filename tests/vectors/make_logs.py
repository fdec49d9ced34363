#!/usr/bin/env python3
"""Logs as firmware (TCG PC Client Platform Firmware Profile) and Linux IMA write them, and what
both extend meanwhile. Without our code; for regenerate.sh.

  make_logs.py logs CERTIFICATE    writes boot.bin and so on; prints PCR:BANK=DIGEST,...
  make_logs.py pcrs VALUES         PCR values as tpm2_pcrread writes them, to pcrs.json
"""
import hashlib
import json
import struct
import sys

BANKS = {"sha1": 0x0004, "sha256": 0x000B, "sha384": 0x000C}
PCRS = range(15)
NO_ACTION, SEPARATOR, CRTM_VERSION, IPL = 3, 4, 8, 13
VARIABLE, VARIABLE_BOOT, APPLICATION = 0x80000001, 0x80000002, 0x80000003
ACTION, BLOB2, AUTHORITY = 0x80000007, 0x8000000A, 0x800000E0
GLOBAL_GUID = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
DATABASE_GUID = bytes.fromhex("cbb219d73a3d9645a3bcdad00e67656f")
X509_GUID = bytes.fromhex("a159c0a5e494a74a87b5ab155c2bf072")
SHA256_GUID = bytes.fromhex("2616c4c14c509240aca941f936934328")
OWNER = bytes(range(16))
COMMAND_LINE = "/vmlinuz-6.1.0 root=/dev/vda1 ro quiet"


def utf16(text):
    return text.encode("utf-16le")


def digest(bank, data):
    return hashlib.new(bank, data).digest()


def signature_list(kind, data):
    size = len(OWNER) + len(data)
    return kind + struct.pack("<III", 28 + size, 0, size) + OWNER + data


def variable(guid, name, content):
    return guid + struct.pack("<QQ", len(name), len(content)) + utf16(name) + content


def image(path):
    node = utf16(path + "\0")
    path = struct.pack("<BBH", 4, 4, 4 + len(node)) + node + struct.pack("<BBH", 0x7F, 0xFF, 4)
    return struct.pack("<QQQQ", 0x100000, 4096, 0, len(path)) + path


def boot_events(certificate):
    """(PCR, type, data, what is measured; None: nothing)"""
    db = signature_list(X509_GUID, certificate)
    dbx = signature_list(SHA256_GUID, digest("sha256", b"revoked"))
    same = [
        (0, CRTM_VERSION, utf16("1.0\0")),
        (7, VARIABLE, variable(GLOBAL_GUID, "SecureBoot", b"\1")),
        (7, VARIABLE, variable(GLOBAL_GUID, "PK", db)),
        (7, VARIABLE, variable(GLOBAL_GUID, "KEK", db)),
        (7, VARIABLE, variable(DATABASE_GUID, "db", db)),
        (7, VARIABLE, variable(DATABASE_GUID, "dbx", dbx)),
        (7, SEPARATOR, b"\0\0\0\0"),
        (1, VARIABLE_BOOT, variable(GLOBAL_GUID, "BootOrder", b"\0\0")),
        (4, ACTION, b"Calling EFI Application from Boot Option"),
        *((pcr, SEPARATOR, b"\0\0\0\0") for pcr in range(7)),
        (7, AUTHORITY, variable(DATABASE_GUID, "db", OWNER + certificate)),
        (5, ACTION, b"Exit Boot Services Invocation"),
        (5, ACTION, b"Exit Boot Services Returned with Success"),
    ]
    events = [(pcr, kind, data, data) for pcr, kind, data in same]
    volume = b"\4vol0" + struct.pack("<QQ", 0x1000, 4)
    events.insert(0, (0, NO_ACTION, b"StartupLocality\0\0", None))
    events.insert(2, (0, BLOB2, volume, b"code"))
    boot_loader = [
        (4, APPLICATION, image("\\EFI\\BOOT\\BOOTX64.EFI"), b"shim"),
        (14, IPL, b"MokList\0", b"keys"),
        (8, IPL, b"grub_cmd: set root=hd0\0", b"set root=hd0"),
        (9, IPL, b"/vmlinuz-6.1.0\0", b"kernel"),
        (8, IPL, b"kernel_cmdline: " + COMMAND_LINE.encode() + b"\0", COMMAND_LINE.encode()),
    ]
    events[-2:-2] = boot_loader
    return events


def agile_log(events):
    banks = b"".join(struct.pack("<HH", alg, len(digest(name, b""))) for name, alg in BANKS.items())
    spec = b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 0, 2, len(BANKS)) + banks + b"\0"
    log = struct.pack("<II20sI", 0, NO_ACTION, b"", len(spec)) + spec
    for pcr, kind, data, measured in events:
        log += struct.pack("<III", pcr, kind, len(BANKS))
        for name, alg in BANKS.items():
            value = digest(name, measured or b"") if measured is not None else b""
            log += struct.pack("<H", alg) + value.ljust(len(digest(name, b"")), b"\0")
        log += struct.pack("<I", len(data)) + data
    return log


def sha1_log(events):
    log = b""
    for pcr, kind, data, measured in events:
        value = digest("sha1", measured) if measured is not None else b""
        log += struct.pack("<II20sI", pcr, kind, value, len(data)) + data
    return log


def boot_aggregate(events):
    pcrs = {pcr: bytes(32) for pcr in range(10)}
    for pcr, _, _, measured in events:
        if measured is not None and pcr in pcrs:
            pcrs[pcr] = digest("sha256", pcrs[pcr] + digest("sha256", measured))
    return digest("sha256", b"".join(pcrs.values()))


def fields(*contents):
    return b"".join(struct.pack("<I", len(content)) + content for content in contents)


def ima_entries(events):
    """(template, data, in ASCII, is it a violation)"""
    def file_digest(value):
        return b"sha256:\0" + value

    first = boot_aggregate(events)
    some = digest("sha256", b"some file")
    signature = bytes.fromhex("030204aabbccdd0002") + b"\1\2"
    return [
        ("ima-ng", fields(file_digest(first), b"boot_aggregate\0"),
         "sha256:%s boot_aggregate" % first.hex(), False),
        ("ima-ng", fields(file_digest(some), b"/usr/bin/a_file\0"),
         "sha256:%s /usr/bin/a_file" % some.hex(), False),
        ("ima-sig", fields(file_digest(some), b"/usr/bin/signed\0", signature),
         "sha256:%s /usr/bin/signed %s" % (some.hex(), signature.hex()), False),
        ("ima-sig", fields(file_digest(some), b"/usr/bin/unsigned\0", b""),
         "sha256:%s /usr/bin/unsigned " % some.hex(), False),
        ("ima-ngv2", fields(b"verity:" + file_digest(some), b"/usr/bin/verity\0"),
         "verity:sha256:%s /usr/bin/verity" % some.hex(), False),
        ("ima-buf", fields(file_digest(some), b"kexec-cmdline\0", b"ro quiet"),
         "sha256:%s kexec-cmdline %s" % (some.hex(), b"ro quiet".hex()), False),
        ("ima-ng", fields(file_digest(bytes(32)), b"/var/log/open\0"),
         "sha256:%s /var/log/open" % bytes(32).hex(), True),
        ("ima", some[:20] + b"/old".ljust(256, b"\0"), "%s /old" % some[:20].hex(), False),
    ]


def binary_list(entries, bank):
    out = b""
    for template, data, _, is_violation in entries:
        value = digest(bank, data)
        value = bytes(len(value)) if is_violation else value
        out += struct.pack("<I", 10) + value + struct.pack("<I", len(template)) + template.encode()
        if template == "ima":
            name = data[20:].rstrip(b"\0")
            out += data[:20] + struct.pack("<I", len(name)) + name
        else:
            out += struct.pack("<I", len(data)) + data
    return out


def ascii_list(entries, bank):
    def value(data, is_violation):
        return digest(bank, data) if not is_violation else bytes(len(digest(bank, b"")))

    return "".join("10 %s %s %s\n" % (value(data, is_violation).hex(), template, text)
                   for template, data, text, is_violation in entries)


def print_extends(events, entries):
    def extend(pcr, values):
        print("%d:%s" % (pcr, ",".join("%s=%s" % pair for pair in values.items())))

    for pcr, _, _, measured in events:
        if measured is not None:
            extend(pcr, {bank: digest(bank, measured).hex() for bank in BANKS})
    for _, data, _, is_violation in entries:
        values = {bank: digest(bank, data) for bank in BANKS}
        extend(10, {bank: (b"\xff" * len(value) if is_violation else value).hex()
                    for bank, value in values.items()})


def write_logs(certificate):
    events = boot_events(open(certificate, "rb").read())
    entries = ima_entries(events)
    files = {
        "boot.bin": agile_log(events),
        "boot-sha1.bin": sha1_log(events),
        "ima.bin": binary_list(entries, "sha1"),
        "ima-sha256.bin": binary_list(entries, "sha256"),
        "ima.txt": ascii_list(entries, "sha1").encode(),
    }
    for name, content in files.items():
        with open(name, "wb") as out:
            out.write(content)
    print_extends(events, entries)


def write_pcrs(path):
    content = open(path, "rb").read()
    pcrs = {}
    for bank in BANKS:
        size = len(digest(bank, b""))
        pcrs[bank] = {str(pcr): content[pcr * size:][:size].hex() for pcr in PCRS}
        content = content[len(PCRS) * size:]
    assert content == b""
    with open("pcrs.json", "w", encoding="ascii") as out:
        json.dump(pcrs, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    {"logs": write_logs, "pcrs": write_pcrs}[sys.argv[1]](sys.argv[2])
