#!/usr/bin/env python3
"""The rules of the tree that a compiler does not check.

usage: lint.py ROOT [RULE...]

Each rule is a function that yields (path, line, message). Tables first: a new
module or an exemption is one line here, with its reason.
"""
import os
import re
import sys

# What a module may include besides itself. Order is the layering, bottom first.
BELOW_ENV = {"engine/base"}
BELOW_LOG = BELOW_ENV | {"engine/env"}
BELOW_VIEWS = BELOW_LOG | {"engine/log", "engine/kv", "engine/domain", "proto"}
BELOW_SNAPSHOT = BELOW_VIEWS | {"engine/views"}
BELOW_STORE = BELOW_SNAPSHOT | {"engine/snapshot"}
BELOW_READER = BELOW_STORE | {"engine/store"}
ENGINE = BELOW_READER | {"engine/reader", "engine/blob"}
LAYERS = {
    "engine/base": set(),
    "engine/env": BELOW_ENV,
    "engine/blob": BELOW_LOG,
    "engine/log": BELOW_LOG,
    "engine/kv": BELOW_LOG,
    "engine/domain": {"engine/base", "proto"},
    "engine/views": BELOW_VIEWS,
    "engine/snapshot": BELOW_SNAPSHOT,
    "engine/store": BELOW_STORE,
    "engine/reader": BELOW_READER,
    "proto": {"engine/base"},
    "replica": ENGINE,
    "tools": ENGINE | {"replica"},
    "bench": ENGINE | {"replica", "tools"},
}

# Third-party headers and the folders that may include them; tests may all.
THIRD_PARTY = {
    # domain and tools walk messages along their descriptors.
    "protobuf-c/": ("proto/", "engine/domain/", "tools/common/"),
    "isa-l/": ("engine/base/",),
    "xxhash": ("engine/base/",),
    "openssl/": ("engine/base/",),
    "zstd": ("engine/log/", "engine/snapshot/"),
    "lmdb.h": ("engine/kv/", "bench/"),
    "nng/": ("replica/transport/", "replica/transfer/", "replica/rpc/",
             "replica/agent/", "bench/"),
    "curl/": ("replica/elector/", "replica/agent/"),
    "jansson.h": ("replica/elector/", "replica/agent/", "tools/", "bench/"),
    "sqlite3.h": ("bench/peer/",),
    "libpq-fe.h": ("bench/peer/",),
    "argp.h": ("tools/", "bench/"),
    "ini.h": ("tools/",),
    "microhttpd.h": ("tools/gateway/", "tools/cadred/"),
    "llama.h": ("tools/worker-llama/",),
    "cmocka.h": (),
}

LINES_PER_FILE = 600
LINES_PER_FUNCTION = 70

BANNED = {
    "strcpy": "no bound", "strcat": "no bound", "sprintf": "no bound",
    "vsprintf": "no bound", "gets": "no bound", "strtok": "hidden state",
    "alloca": "no bound", "assert": "use CADRE_ASSERT, which stays on",
    "longjmp": "skips cleanups",
}
BANNED_IN_TESTS = {
    name: "tests wait on conditions"
    for name in ("sleep", "usleep", "nanosleep", "clock_nanosleep")
}
BANNED_IN_LIBRARIES = {
    name: "libraries never print or exit"
    for name in ("printf", "fprintf", "puts", "perror", "exit", "_exit", "abort")
}
# The world: only engine/env touches it.
BANNED_OUTSIDE_ENV = {
    name: "only engine/env touches the world"
    for name in ("open", "openat", "creat", "fopen", "pwrite", "fsync", "fdatasync",
                 "rename", "unlink", "ftruncate", "fallocate", "clock_gettime",
                 "gettimeofday", "time", "getrandom", "rand", "random",
                 "pthread_create", "thrd_create")
}
# path: names it may call, with the reason behind.
CALLS_ALLOWED = {
    "engine/base/assert.c": {"fprintf", "abort"},  # the last words of a process
    # LMDB does its own I/O on its own descriptors; its files cannot go through env.
    "engine/kv/lmdb_env.c": {"open", "fopen", "fsync", "ftruncate", "unlink"},
    # A signal handler cannot call through a vtable that may be damaged.
    "engine/store/guard.c": {"clock_gettime"},
    # The loop around the step function; the simulator steps without it.
    "engine/store/thread.c": {"clock_gettime", "pthread_create"},
}

C_FILES = (".c", ".h")
TEXT_FILES = C_FILES + (".py", ".sh", ".md", ".txt", ".cmake", ".json", ".proto", ".yml")
TEXT_NAMES = ("dev", "run", ".clang-format", ".clang-tidy", ".gitattributes")
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}


class Tree:
    """All files below the root, read once."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        for folder, names, files in os.walk(root):
            names[:] = sorted(n for n in names if n not in SKIPPED_FOLDERS)
            for name in sorted(files):
                if name.endswith(TEXT_FILES) or name in TEXT_NAMES:
                    self.add(os.path.join(folder, name))

    def add(self, full):
        path = os.path.relpath(full, self.root)
        with open(full, encoding="utf-8", errors="replace") as file:
            self.files[path] = file.read().split("\n")

    def c_files(self, *folders):
        for path, lines in self.files.items():
            if path.endswith(C_FILES) and path.startswith(folders or ("",)):
                yield path, lines


def module_of(path):
    """The row of LAYERS that a path belongs to, or None."""
    if path.startswith("cadre/v1/"):
        return "proto"
    parts = path.split("/")
    if parts[0] == "engine" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if len(parts) > 1 else None


def includes(lines):
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1), match.group(2)


def without_text(lines):
    """The lines with comments and literals blanked out, columns kept."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                         re.S)
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    return pattern.sub(blank, "\n".join(lines)).split("\n")


def rule_layers(tree):
    """includes go downwards only"""
    for path, lines in tree.c_files("engine/", "proto/", "replica/", "tools/", "bench/"):
        module = module_of(path)
        if module not in LAYERS:
            yield path, 1, f'no layer is known for "{module}": add it to LAYERS'
            continue
        for number, mark, target in includes(lines):
            other = module_of(target)
            if mark == "<" or other == module:
                continue
            if other not in LAYERS[module]:
                yield path, number, f'"{module}" may not include "{target}"'


def rule_third_party(tree):
    """third-party headers stay in their module"""
    for path, lines in tree.c_files("engine/", "proto/", "replica/", "tools/", "bench/"):
        for number, _, target in includes(lines):
            for header, folders in THIRD_PARTY.items():
                if target.startswith(header) and not path.startswith(folders):
                    yield path, number, f"<{target}> does not belong here"


def rule_includes(tree):
    """own headers are included from the root"""
    for path, lines in tree.c_files():
        for number, mark, target in includes(lines):
            if mark == "<" or target.endswith(".pb-c.h"):
                continue
            if not os.path.isfile(os.path.join(tree.root, target)):
                yield path, number, f'"{target}" is not a path from the root'


def rule_guards(tree):
    """every header has a guard of its own"""
    guards = {}
    for path, lines in tree.c_files():
        if not path.endswith(".h"):
            continue
        marks = [line for line in lines if line.startswith("#")]
        first = re.match(r"#ifndef (\w+_H)$", marks[0]) if len(marks) > 2 else None
        if not first or marks[1] != f"#define {first[1]}" or marks[-1] != "#endif":
            yield path, 1, "no header guard around the whole"
        elif guards.setdefault(first[1], path) != path:
            yield path, 1, f"guard {first[1]} is that of {guards[first[1]]}"


def rule_size(tree):
    """files and functions stay readable"""
    for path, lines in tree.c_files():
        count = len(lines) - (lines[-1] == "")
        if count > LINES_PER_FILE:
            yield path, count, f"{count} lines, at most {LINES_PER_FILE}"
        start = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                length = number - start + 1
                if length > LINES_PER_FUNCTION:
                    yield (path, start,
                           f"function of {length} lines, at most {LINES_PER_FUNCTION}")
                start = None


def banned_for(path):
    banned = dict(BANNED)
    if path.startswith("tests/"):
        banned.update(BANNED_IN_TESTS)
    if path.startswith(("engine/", "proto/", "replica/")):
        banned.update(BANNED_IN_LIBRARIES)
    if path.startswith(("engine/", "proto/")) and not path.startswith("engine/env/"):
        banned.update(BANNED_OUTSIDE_ENV)
    for name in CALLS_ALLOWED.get(path, ()):
        banned.pop(name, None)
    return banned


def rule_calls(tree):
    """no calls that a bound, a test or a library forbids"""
    for path, lines in tree.c_files():
        banned = banned_for(path)
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(banned) + r")\s*\(")
        for number, line in enumerate(without_text(lines), 1):
            for match in pattern.finditer(line):
                yield path, number, f"{match[1]}(): {banned[match[1]]}"


def rule_kill_by_name(tree):
    """processes are ended by their id"""
    words = re.compile(r"\b(" + "p" + r"kill|" + "kill" + r"all)\b")
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            if words.search(line):
                yield path, number, "ends processes by name"


def rule_unfinished(tree):
    """nothing is left for later"""
    words = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|X" + r"XX)\b")
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            match = words.search(line)
            if match:
                yield path, number, f"{match[1]} left"


def rule_machine_paths(tree):
    """no path of a developer's machine"""
    words = re.compile(r"(?<![\w.}])/(home|Users|root|work|mnt)/[\w.]")
    for path, lines in tree.files.items():
        for number, line in enumerate(lines, 1):
            if words.search(line):
                yield path, number, "names a path of one machine"


def declaration_groups(lines):
    """Runs of lines between blank lines at depth 0, as (number, lines)."""
    code = without_text(lines)
    depth = 0
    group, start = [], 1
    for number, (line, bare) in enumerate(zip(lines, code), 1):
        if not line.strip() and depth == 0:
            if group:
                yield start, group
            group = []
            continue
        if not group:
            start = number
        group.append(line)
        depth += bare.count("{") + bare.count("(") - bare.count("}") - bare.count(")")
        if "/*" in line and "*/" not in line:
            depth += 1
        elif "*/" in line and "/*" not in line:
            depth -= 1
    if group:
        yield start, group


def rule_comments(tree):
    """public functions say what the signature cannot; one comment serves a tight group"""
    prototype = re.compile(r"([A-Za-z_].*)?\bcadre_\w+\)?\(")
    quiet = re.compile(r"#|static|\s|\}")
    for path, lines in tree.c_files("engine/", "proto/codec/"):
        if not path.endswith(".h"):
            continue
        for number, group in declaration_groups(lines):
            comment = False
            for offset, line in enumerate(group):
                comment = comment or line.startswith("/*")
                if prototype.match(line) and not quiet.match(line) and not comment:
                    yield path, number + offset, f'no comment before "{line.strip()[:50]}"'
                    break


RULES = {name[len("rule_"):]: value for name, value in list(globals().items())
         if name.startswith("rule_")}


def main(arguments):
    if not arguments or any(name not in RULES for name in arguments[1:]):
        print(__doc__.strip(), "\n\nrules:", file=sys.stderr)
        for name, rule in RULES.items():
            print(f"  {name:14} {rule.__doc__}", file=sys.stderr)
        return 2
    tree = Tree(arguments[0])
    findings = [finding for name in arguments[1:] or RULES for finding in RULES[name](tree)]
    for path, number, message in findings:
        print(f"{path}:{number}: {message}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
