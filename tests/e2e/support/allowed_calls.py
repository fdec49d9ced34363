"""allowed_calls.py UNIT TRACE: every system call in TRACE (of strace -f), from the first that the
program itself made, is one that SystemCallFilter= of UNIT allows."""
import re
import subprocess
import sys

# Made by systemd and the dynamic loader before the program begins; or answered with EPERM, which
# the program takes for an answer (SystemCallErrorNumber=).
HARMLESS = {"execve", "prlimit64", "exit_group", "exit"}


def members(name):
    """All system calls of a set, with the sets that are in it."""
    text = subprocess.run(["systemd-analyze", "syscall-filter", "@" + name], check=True,
                          capture_output=True, text=True).stdout
    found = set()
    for line in text.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= members(word[1:])
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed(unit):
    """The calls that the lines of a unit leave."""
    calls = set()
    for line in open(unit, encoding="ascii"):
        key, _, value = line.strip().partition("=")
        if key != "SystemCallFilter":
            continue
        if value.startswith("~"):
            for word in value[1:].split():
                calls -= members(word[1:])
        else:
            for word in value.split():
                calls |= members(word[1:]) if word.startswith("@") else {word}
    return calls | members("default")


made = set()
for line in open(sys.argv[2], encoding="utf-8", errors="replace"):
    match = re.match(r"\d+ +([a-z0-9_]+)\(", line)
    if match:
        made.add(match.group(1))
forbidden = made - allowed(sys.argv[1]) - HARMLESS
print(len(made), "different calls;", "forbidden:", *sorted(forbidden))
sys.exit(len(made) < 20 or bool(forbidden))
