#!/usr/bin/env python3
"""Runs commands in a guest: control.py SOCKET [SECONDS COMMAND]

The guest's /sbin/control reads them from its second serial line. Prints what the command prints,
and ends with its status; with 124 if nothing came back in time. Without a command: a prompt.
"""
import re
import readline  # pylint: disable=unused-import # what input() edits lines with
import socket
import sys
import time


def run(path, command, seconds):
    """The command's output, and its status; None if nothing came back in time."""
    deadline = time.monotonic() + seconds
    output, status = b"", None
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(command.encode() + b"\n")
        while status is None:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            line.settimeout(left)
            try:
                piece = line.recv(65536)
            except TimeoutError:
                break
            if not piece:
                break
            output += piece
            status = re.search(rb"\n\[status (\d+)\]\n\Z", output)
    if status is None:
        return output, None
    return output[: status.start()], int(status.group(1))


def show(output):
    sys.stdout.buffer.write(output)
    sys.stdout.flush()


def ask(path):
    print("You are root in the machine. Each line runs in a shell of its own; Ctrl-D leaves.")
    while True:
        try:
            command = input("root@machine# ")
        except EOFError:
            print()
            return
        if not command.strip():
            continue
        output, status = run(path, command, 600)
        show(output if not output or output.endswith(b"\n") else output + b"\n")
        if status is None:
            sys.exit("control.py: the guest does not answer")


def main():
    if len(sys.argv) == 2:
        ask(sys.argv[1])
        return
    path, seconds, command = sys.argv[1:]
    if "\n" in command:
        sys.exit("control.py: a command is one line")
    output, status = run(path, command, float(seconds))
    show(output)
    if status is None:
        print("control.py: the guest does not answer", file=sys.stderr)
        sys.exit(124)
    sys.exit(status)


main()
