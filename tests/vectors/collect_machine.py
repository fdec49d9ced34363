#!/usr/bin/env python3
"""Makes vectors, as they are in tests/vectors/machine, of what the tests of tests/machine recorded
(record.sh there).

  collect_machine.py [--keep FOLDER] [--place FOLDER]... RECORD NEW

NEW must not be there yet. Of --keep FOLDER, vectors of before, it gets those of the tests that have
recorded nothing now. What was accepted is taken once for each policy; what was refused, once for
each script, by what and in which words. What is too long is left out. Only the counters of a TPM
need a client that remembers: what it had accepted before is then there, too. Nothing may name a
folder of this host: --place adds one to those that are known.
"""
import argparse
import json
import os
import re
import sys
import tempfile

LEN_MAX = 60000  # of a capture, and of a policy: the vectors are to stay small
NAME_MAX = 72
NOBODYS = [b"/home/", b"PRIVATE KEY"]  # a machine has a /root itself


def content(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def policy_in(*folder):
    """Its files, by name; without the address that it was learned from: another each time."""
    folder = os.path.join(*folder)
    return {name: re.sub(rb"\b127(\.\d+){3}:\d+", b"127.0.0.1:443", content(folder, name))
            for name in sorted(os.listdir(folder))}


class Kept:
    """A vector of before."""
    before = None

    def __init__(self, folder, name):
        self.name, self.script = name, name.split("-", 1)[0]
        self.capture = content(folder, name + ".capture")
        self.lines = [tuple(line.split(" = ", 1)) for line in
                      content(folder, name + ".verdict").decode("ascii").splitlines()]
        self.policy = policy_in(folder, "policies", dict(self.lines)["policy"])

    def accepted(self):
        return ("verdict", "accepted") in self.lines

    def kind(self):
        return tuple(self.policy.items()) if self.accepted() else self.name

    def verdict(self, policy):
        return [(key, policy if key == "policy" else text) for key, text in self.lines]


class Recorded:
    """One verdict, as record.sh kept it."""

    def __init__(self, folder):
        lines = [line.split(" = ", 1)
                 for line in content(folder, "scene").decode("ascii").splitlines()]
        scene = dict(lines)
        self.words = [value for name, value in lines if name == "words"]
        self.script, self.what, self.state = scene["script"], scene["what"], scene.get("state")
        self.capture, self.report, self.before = None, None, None
        if os.path.exists(os.path.join(folder, "capture")):
            self.capture = content(folder, "capture")
            self.report = json.loads(content(folder, "report.json"))["report"]
        self.policy = policy_in(folder, "policy")
        what = re.sub("[^a-z0-9]+", "-", self.what.lower()).strip("-")
        self.name = "%s-%s" % (self.script, what)
        if len(self.name) > NAME_MAX:
            self.name = self.name[:NAME_MAX].rsplit("-", 1)[0]

    def accepted(self):
        return self.report is not None and self.report["accepted"]

    def failed(self):
        return [check for check in self.report["checks"] if check["verdict"] == "fail"]

    def needs_memory(self):
        return self.report is not None and any(check["name"] == "quote.counters"
                                               for check in self.failed())

    def kind(self):
        """Of two of one kind the second shows nothing new."""
        if self.accepted():
            return tuple(self.policy.items())
        banks = re.findall(rb"bank: \w+", self.policy["policy.yaml"])
        return (self.script, *banks, *((check["name"], check["actual"]) for check in self.failed()))

    def why_not(self):
        """What speaks against a vector of it, whatever others there are."""
        if self.capture is None:
            return "no evidence came"
        if len(self.capture) > LEN_MAX:
            return "it is too long"
        return "its policy is too long" if sum(map(len, self.policy.values())) > LEN_MAX else None

    def verdict(self, policy):
        lines = [("what", self.what), ("policy", policy)]
        if self.before:
            lines.append(("after", self.before.name))
        lines.append(("verdict", "accepted" if self.accepted() else "refused"))
        for check in self.failed():
            lines += [("check", check["name"]), ("expected", check["expected"]),
                      ("seen", check["actual"]), ("at", check["at"])]
        return lines + [("words", words) for words in self.words]


def remember(recorded):
    """Who needs it gets `before`: what the same client had accepted last. Those are returned."""
    last, needed = {}, set()
    for one in recorded:
        client = (one.script, one.state)
        if one.needs_memory():
            one.before = last[client]
            needed.add(one.before)
        if one.accepted() and one.state:
            last[client] = one
    return needed


def choose(recorded, kept):
    """Those that become vectors, each with a name of its own."""
    chosen, kinds, names, needed = [], set(), {}, remember(recorded)
    # What the good machine shows comes first; then in the order of the scripts.
    for one in sorted(recorded + kept, key=lambda one: (one.script != "good", one.script)):
        why = None if one in kept else one.why_not()
        if not why and one not in kept and one not in needed and one.kind() in kinds:
            why = "there is one like it"
        if why:
            print("left out, for %s: %s: %s" % (why, one.script, one.what))
            continue
        kinds.add(one.kind())
        names[one.name] = names.get(one.name, 0) + 1
        if names[one.name] > 1:
            one.name += "-%d" % names[one.name]
        chosen.append(one)
    return chosen


def name_policies(chosen):
    """{content: folder}: "bank" is that of most, the others are named by what was accepted."""
    uses = {}
    for one in sorted(chosen, key=lambda one: (not one.accepted(), one.name)):
        uses.setdefault(tuple(one.policy.items()), []).append(one.name)
    most = max(uses, key=lambda policy: len(uses[policy]))
    return {policy: "bank" if policy == most else names[0] for policy, names in uses.items()}


def write(places, text, *path):
    path = os.path.join(*path)
    for place in places:
        if place in text:
            sys.exit("%s: has %r, which is of this host, or nobody's" % (path, place))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(text)
    return len(text)


def write_all(chosen, places, out):
    """How many bytes these vectors have, with their policies."""
    policies = name_policies(chosen)
    size = 0
    for one in chosen:
        lines = one.verdict(policies[tuple(one.policy.items())])
        text = "".join("%s = %s\n" % line for line in lines)
        size += write(places, one.capture, out, one.name + ".capture")
        size += write(places, text.encode("ascii"), out, one.name + ".verdict")
    for policy, folder in policies.items():
        for name, text in policy:
            size += write(places, text, out, "policies", folder, name)
    print("%d vectors, %d policies, %d bytes" % (len(chosen), len(policies), size))


def read_kept(folder, scripts):
    """The vectors in it that are of none of these scripts."""
    names = [name[:-len(".verdict")] for name in sorted(os.listdir(folder))
             if name.endswith(".verdict")]
    return [one for one in (Kept(folder, name) for name in names) if one.script not in scripts]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep")
    parser.add_argument("--place", action="append", default=[])
    parser.add_argument("record")
    parser.add_argument("new")
    arguments = parser.parse_args()
    record = arguments.record
    source = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..")
    places = [os.path.realpath(place).rstrip("/").encode() + b"/"
              for place in (source, record, tempfile.gettempdir(), "/tmp", *arguments.place)]
    recorded = [Recorded(os.path.join(record, name)) for name in sorted(os.listdir(record))]
    if not recorded:
        sys.exit("%s: nothing was recorded" % record)
    scripts = {one.script for one in recorded}
    kept = read_kept(arguments.keep, scripts) if arguments.keep else []
    os.mkdir(arguments.new)
    write_all(choose(recorded, kept), places + NOBODYS, arguments.new)


if __name__ == "__main__":
    main()
