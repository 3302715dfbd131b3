#!/usr/bin/env bash
# format.sh ROOT: every source has the form that .clang-format gives it.
set -euo pipefail
cd "$1"
command -v clang-format >/dev/null || {
	echo "clang-format is not installed: skipped"
	exit 77
}
findings=$(find . -path ./build -prune -o \( -name '*.c' -o -name '*.h' \) -print0 |
	xargs -0 clang-format --dry-run 2>&1 | sed -n 's/:.* warning: .*//p' | sort -u)
[ -z "$findings" ] && exit 0
printf '%s\nnot formatted: run clang-format -i on them\n' "$findings"
exit 1
