#!/usr/bin/env python3
"""docs/RULES.md names every case of this folder, and no other.

usage: rules_table.py ROOT
"""
import glob
import re
import sys


def main():
    root = sys.argv[1]
    cases = set()
    for path in glob.glob(f"{root}/tests/unit/domain/test_*.c"):
        with open(path, encoding="utf-8") as file:
            cases |= set(re.findall(r"\bCASE\((\w+)\),", file.read()))
    with open(f"{root}/docs/RULES.md", encoding="utf-8") as file:
        named = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){2,})`", file.read()))
    for name in sorted(cases - named):
        print(f"docs/RULES.md: no rule names the case {name}")
    for name in sorted(named - cases):
        print(f"docs/RULES.md: there is no case {name}")
    return 1 if not cases or cases != named else 0


if __name__ == "__main__":
    sys.exit(main())
