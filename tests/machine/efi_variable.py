#!/usr/bin/env python3
"""Writes a variable into OVMF's file of variables: efi_variable.py FILE GUID NAME HEX

As somebody does who changes a setting in the firmware's menu, or its boot options as root of the
system. The layout is that of edk2, MdeModulePkg/Include/Guid/VariableFormat.h: a firmware volume,
in it the header of a store, and then variables one behind the other."""
import struct
import sys
import uuid

VOLUME_HEADER_LEN_AT = 48
STORE_HEADER_LEN = 28
STORE_SIZE_AT = 16
VARIABLE = struct.Struct("<HBxIQ16sIII16s")
START_ID = 0x55AA
ADDED, DELETED = 0x3F, 0x3C
NON_VOLATILE, BOOT_SERVICE, RUNTIME = 1, 2, 4
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")


def aligned(n):
    return (n + 3) & ~3


def write(image, guid, name, data):
    encoded = name.encode("utf-16-le") + b"\0\0"
    at = struct.unpack_from("<H", image, VOLUME_HEADER_LEN_AT)[0]
    end = at + struct.unpack_from("<I", image, at + STORE_SIZE_AT)[0]
    at += STORE_HEADER_LEN
    attributes = NON_VOLATILE | BOOT_SERVICE | (RUNTIME if guid == GLOBAL else 0)
    while struct.unpack_from("<H", image, at)[0] == START_ID:
        _, state, _, _, _, _, name_len, data_len, owner = VARIABLE.unpack_from(image, at)
        begin = at + VARIABLE.size
        if (state == ADDED and owner == guid.bytes_le
                and image[begin:begin + name_len] == encoded):
            image[at + 2] = DELETED
        at = aligned(begin + name_len + data_len)
    variable = VARIABLE.pack(START_ID, ADDED, attributes, 0, bytes(16), 0, len(encoded),
                             len(data), guid.bytes_le) + encoded + data
    if at + len(variable) > end:
        sys.exit("efi_variable.py: no room")
    image[at:at + len(variable)] = variable


path, owner, name, data = sys.argv[1:]
with open(path, "r+b") as file:
    image = bytearray(file.read())
    write(image, uuid.UUID(owner), name, bytes.fromhex(data))
    file.seek(0)
    file.write(image)
