#!/usr/bin/env python3
"""collect_machine.py, without machines: of records as tests/machine/record.sh would have left them,
made of the vectors that are there, it makes these vectors again.

  check_collect.py FOLDER      (tests/vectors/machine, unpacked)
"""
import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
MACHINE = sys.argv[1]

failures = []


def check(what, is_right, seen=""):
    print("%s: %s" % ("ok" if is_right else "FAILED", what))
    if not is_right:
        failures.append(what)
        print(seen)


def read_lines(name):
    with open(os.path.join(MACHINE, name + ".verdict"), encoding="ascii") as file:
        return [line.rstrip("\n").split(" = ", 1) for line in file]


def texts(lines, key):
    return [text for other, text in lines if other == key]


def write(text, *path):
    with open(os.path.join(*path), "w", encoding="ascii") as file:
        file.write(text)


def make_record(folder, name, script):
    """What record.sh would have left of this vector."""
    lines = read_lines(name)
    os.mkdir(folder)
    shutil.copy(os.path.join(MACHINE, name + ".capture"), os.path.join(folder, "capture"))
    shutil.copytree(os.path.join(MACHINE, "policies", texts(lines, "policy")[0]),
                    os.path.join(folder, "policy"))
    scene = [("script", script), ("what", texts(lines, "what")[0])]
    scene += [("words", words) for words in texts(lines, "words")]
    write("".join("%s = %s\n" % line for line in scene + [("state", "s")]), folder, "scene")
    failed = zip(*(texts(lines, key) for key in ("check", "expected", "seen", "at")))
    checks = [dict(zip(("name", "expected", "actual", "at"), one), verdict="fail")
              for one in failed]
    report = {"accepted": texts(lines, "verdict") == ["accepted"], "checks": checks}
    write(json.dumps({"report": report}), folder, "report.json")


def make_records(folder, scripts=None):
    """Of all vectors, or of those of these scripts; a client has accepted before it refuses."""
    os.mkdir(folder)
    names = [name[:-len(".verdict")] for name in os.listdir(MACHINE) if name.endswith(".verdict")]
    names.sort(key=lambda name: (texts(read_lines(name), "verdict") != ["accepted"], name))
    for number, name in enumerate(names):
        script = name.split("-", 1)[0]
        if scripts is None or script in scripts:
            make_record(os.path.join(folder, "%s-%03d" % (script, number)), name, script)


def collect(*arguments):
    done = subprocess.run([sys.executable, os.path.join(HERE, "collect_machine.py"), *arguments],
                          capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def differences(one, other):
    compared = filecmp.dircmp(one, other, ignore=[])
    _, unlike, odd = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    seen = compared.left_only + compared.right_only + unlike + odd
    for folder in compared.common_dirs:
        seen += differences(os.path.join(one, folder), os.path.join(other, folder))
    return seen


def check_same(what, new, *arguments):
    code, out = collect(*arguments, new)
    unlike = differences(MACHINE, new) if code == 0 else ["?"]
    check(what, not unlike, out + "\n".join(unlike))


def check_refused(work, what, text, *arguments):
    """A record that has this text becomes nothing."""
    record, new = os.path.join(work, "bad"), os.path.join(work, "bad.new")
    make_records(record, ["good"])
    with open(os.path.join(record, os.listdir(record)[0], "capture"), "ab") as file:
        file.write(text.encode())
    code, out = collect(*arguments, record, new)
    check(what, code == 1 and "of this host" in out, out)
    shutil.rmtree(record)
    shutil.rmtree(new)


def check_left_out(work):
    record, new = os.path.join(work, "long"), os.path.join(work, "long.new")
    make_records(record, ["good"])
    first = os.path.join(record, os.listdir(record)[0])
    for copy in ("capture", "policy"):
        shutil.copytree(first, first + copy)
    with open(os.path.join(first + "capture", "capture"), "ab") as file:
        file.write(bytes(60000))
    write("#" * 60000, first + "policy", "policy", "long")
    shutil.copytree(first, first + "none")
    os.remove(os.path.join(first + "none", "capture"))
    for copy in ("capture", "policy", "none"):
        write("# of its own\n", first + copy, "policy", "own")
    code, out = collect(record, new)
    check("what is too long, or nothing, is left out",
          code == 0 and "for it is too long:" in out and "for its policy is too long:" in out and
          "for no evidence came:" in out and len(os.listdir(new)) == 3, out)


def main():
    with tempfile.TemporaryDirectory() as work:
        make_records(os.path.join(work, "all"))
        check_same("the vectors, made again", os.path.join(work, "1"), os.path.join(work, "all"))
        for number, scripts in enumerate((["good"], ["reboot", "secure_boot"])):
            some = os.path.join(work, "some%d" % number)
            make_records(some, scripts)
            check_same("of %s alone, and the others are kept" % " and ".join(scripts),
                       some + ".new", "--keep", MACHINE, some)
        check_refused(work, "a folder of this host is no part of a vector", "/srv/build/nginx",
                      "--place", "/srv/build")
        check_refused(work, "nor is one for temporary files",
                      os.path.join(tempfile.gettempdir(), "x"))
        check_refused(work, "nor is the source", os.path.join(HERE, "README.md"))
        check_left_out(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
