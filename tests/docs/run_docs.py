#!/usr/bin/env python3
"""Runs the commands of the documentation and compares what they print.

    run_docs.py REPOSITORY BIN_DIR [FILE...]

A fenced block marked `console` holds lines `$ command` and, below each, what it
prints. The commands of one file run in order, in one shell session's directory,
with BIN_DIR first in PATH, and `docs/` and `tools/` of the repository as ./docs and ./tools. Where the system allows it,
they run in a network of their own, so that documents may use the usual ports. A line `...`
stands for any lines. Output is compared after ids, hashes, times and measured
figures are replaced by placeholders. `# exits N` at the end of a command line
says that it ends with that code; otherwise it must be 0. Indented continuation
lines begin with `> `. What a file's commands leave running is ended at its end.

A block marked `sh` holds commands for a person's own machine (tools/dev verbs,
package installs): each must start with a program that exists here, and each verb
of tools/dev must be one that its help lists.
"""
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\w*)\s*$")
EXITS = re.compile(r"\s+# exits (\d+)\s*$")
PLACEHOLDERS = [
    (re.compile(r"ocid1\.[a-z]+\.oc1\.cadre\.[0-9a-v]+"), "<ocid>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<time>"),
    (re.compile(r"\b[0-9a-f]{16,}\b"), "<hash>"),
    (re.compile(r"/tmp/[A-Za-z0-9._/-]+"), "<path>"),
    # Batches of one millisecond share a row.
    (re.compile(r"\b\d+ rows\b"), "<rows>"),
    (re.compile(r"\b\d+(\.\d+)? (ms|us|s|kB|MB|KiB|MiB|bytes|B)\b"), "<figure>"),
    (re.compile(r"\b\d+(\.\d+)?/s\b"), "<rate>"),
    # What a model with random weights says depends on the processor.
    (re.compile(r'"tokens":\[[0-9,]*\],"text":"[^"]*"'), "<answer>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"-{3,}"), "---"),
]


def normal(text):
    """The text without what differs from run to run."""
    for pattern, placeholder in PLACEHOLDERS:
        text = pattern.sub(placeholder, text)
    return text.strip()


def blocks(path):
    """(kind, first line number, lines) of each fenced block."""
    kind, start, lines = None, 0, []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            fence = FENCE.match(line)
            if fence and kind is None:
                kind, start, lines = fence.group(1), number, []
            elif line.startswith("```") and kind is not None:
                yield kind, start, lines
                kind = None
            elif kind is not None:
                lines.append(line.rstrip("\n"))


def commands(start, lines):
    """(line number, command, expected exit code, expected output lines)."""
    found = []
    for offset, line in enumerate(lines):
        if line.startswith("$ "):
            exits = EXITS.search(line)
            found.append([start + 1 + offset, EXITS.sub("", line[2:]),
                          int(exits.group(1)) if exits else 0, []])
        elif line.startswith("> ") and found and not found[-1][3]:
            found[-1][1] += "\n" + line[2:]
        elif found:
            found[-1][3].append(line)
    return found


def output_matches(expected, printed):
    """Whether printed lines match, `...` standing for any number of lines."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(output_matches(expected[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and expected[0] == printed[0] and \
        output_matches(expected[1:], printed[1:])


def meaningful(lines):
    return [normal(line) for line in lines if line.strip()]


def end_groups(groups):
    """What commands left running in the background."""
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass


def run_command(command, groups, **options):
    """(exit code, printed text); the process group is added to `groups`."""
    with subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          start_new_session=True, **options) as process:
        groups.append(process.pid)
        out, _ = process.communicate(timeout=300)
        return process.returncode, out.decode("utf-8", "replace")


def run_console(path, repository, bin_dir, scratch):
    groups = []
    try:
        return run_blocks(path, bin_dir, scratch, groups)
    finally:
        end_groups(groups)


def run_blocks(path, bin_dir, scratch, groups):
    failures = []
    environment = dict(os.environ, PATH=bin_dir + os.pathsep + os.environ["PATH"],
                       NO_COLOR="1", LC_ALL="C.UTF-8")
    for kind, start, lines in blocks(path):
        if kind != "console":
            continue
        for number, command, code, expected in commands(start, lines):
            got, text = run_command(command, groups, cwd=scratch, env=environment)
            printed = text.splitlines()
            if got != code:
                failures.append("%s:%d: exit code %d, expected %d: %s\n%s" % (
                    path, number, got, code, command, "\n".join(printed)))
            elif expected and not output_matches(meaningful(expected), meaningful(printed)):
                failures.append("%s:%d: %s\n--- documented\n%s\n--- printed\n%s" % (
                    path, number, command, "\n".join(meaningful(expected)),
                    "\n".join(meaningful(printed))))
    return failures


def check_shell(path, repository):
    failures = []
    help_text = subprocess.run([os.path.join(repository, "tools/dev"), "help"],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                               check=True).stdout.decode()
    verbs = set(re.findall(r"^\s+([a-z-]+)\s", help_text, re.M))
    for kind, start, lines in blocks(path):
        if kind not in ("sh", "bash", "shell"):
            continue
        for offset, line in enumerate(lines):
            words = line.split("#")[0].split()
            if not words:
                continue
            where = "%s:%d" % (path, start + 1 + offset)
            if words[0].endswith("tools/dev"):
                if len(words) > 1 and words[1] not in verbs:
                    failures.append("%s: tools/dev has no verb %s" % (where, words[1]))
            elif not shutil.which(words[0], path=os.environ["PATH"]) and \
                    not os.path.exists(os.path.join(repository, words[0])) and \
                    words[0] not in ("cd", "export"):
                failures.append("%s: no program %s" % (where, words[0]))
    return failures


def documents(repository, bin_dir):
    if os.path.exists(os.path.join(bin_dir, "cadre-worker-llama")):
        yield os.path.join(repository, "README.md")
    else:
        print("README.md is left out: it infers, and cadre-worker-llama is not built")
    for folder, _, names in sorted(os.walk(os.path.join(repository, "docs"))):
        for name in sorted(names):
            if name.endswith(".md"):
                yield os.path.join(folder, name)


CLONE_NEWNET, IFF_UP, SIOCSIFFLAGS = 0x40000000, 1, 0x8914


def enter_own_network():
    """Loopback alone, with no port taken; without the right to it, stays where it is."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def main():
    enter_own_network()
    repository, bin_dir = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    failures, count = [], 0
    for path in sys.argv[3:] or documents(repository, bin_dir):
        with tempfile.TemporaryDirectory(prefix="cadre-docs-") as scratch:
            for folder in ("docs", "tools"):
                os.symlink(os.path.join(repository, folder), os.path.join(scratch, folder))
            count += sum(len(commands(start, lines)) for kind, start, lines in blocks(path)
                         if kind == "console")
            failures += run_console(path, repository, bin_dir, scratch)
            failures += check_shell(path, repository)
    print("\n\n".join(failures))
    print("%d commands, %d failures" % (count, len(failures)))
    if count == 0:
        print("no command found: nothing was checked")
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
