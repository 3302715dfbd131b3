#!/usr/bin/env bash
# tour.sh BIN_DIR SOURCE_DIR: the tour runs to its end, shows what it promises and cleans
# up after itself.
set -euo pipefail
work=$(mktemp -d "${TMPDIR:-/tmp}/cadre-tour-XXXXXX")
trap 'rm -rf "$work"' EXIT

TMPDIR=$work "$2/tools/demo.sh" --bin "$1" >"$work/out" 2>&1 </dev/null || {
	cat "$work/out" >&2
	exit 1
}

# has TEXT [TIMES]
has() {
	[ "$(grep -cF -- "$1" "$work/out")" -ge "${2:-1}" ] || {
		cat "$work/out" >&2
		printf 'FAILED: "%s" is missing\n' "$1" >&2
		exit 1
	}
}

has READY 3
has 'answered by ocid1.datasciencemodel.oc1..french1, generation 1'
has 'answered by ocid1.datasciencemodel.oc1..french2, generation 2' 2
has equal 2
has Done.
[ -z "$(ls -d "$work"/cadre-demo-* 2>/dev/null)" ] || {
	printf 'FAILED: the tour left its directory\n' >&2
	exit 1
}
