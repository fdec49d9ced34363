"""The list of Linux IMA of a machine that is none, as binary_runtime_measurements has it.

usage: ima_list.py FILE begin PCRS          a list with boot_aggregate alone; PCRS: values of 0 to 9
       ima_list.py FILE add COUNT NAME      and COUNT files more, which were run since
       ima_list.py FILE allow COUNT NAME    prints what a policy says of these: "HEX  /path"
"""
import hashlib
import struct
import sys

PATH_BYTES = 900  # so that a list need not have many entries to be long


def field(data):
    return struct.pack("<I", len(data)) + data


def entry(digest, path):
    data = field(b"sha256:\0" + digest) + field(path.encode() + b"\0")
    head = struct.pack("<I", 10) + hashlib.sha1(data).digest()
    return head + field(b"ima-ng") + field(data)


def main():
    path, what = sys.argv[1:3]
    if what == "begin":
        with open(sys.argv[3], "rb") as pcrs, open(path, "wb") as out:
            out.write(entry(hashlib.sha256(pcrs.read()).digest(), "boot_aggregate"))
        return
    count, name = int(sys.argv[3]), sys.argv[4]
    with open(path, "ab") as out:
        for i in range(count):
            file = f"/usr/{name}-{i:05}/".ljust(PATH_BYTES, "x")
            digest = hashlib.sha256(file.encode())
            if what == "add":
                out.write(entry(digest.digest(), file))
            else:
                print(f"{digest.hexdigest()}  {file}")


main()
