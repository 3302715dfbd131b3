#!/usr/bin/env bash
# run.sh THEME PROGRAM SOURCE_DIR: one theme in a private directory.
set -euo pipefail
theme=$1
admin=$2
source_dir=$3
here=$source_dir/tests/admin
examples=$source_dir/docs/examples
work=$(mktemp -d "${TMPDIR:-/tmp}/cadre-admin-XXXXXX")
trap 'rm -rf "$work"' EXIT
export CADRE_COMPARTMENT=ocid1.compartment.oc1..c
export CADRE_PROJECT=ocid1.datascienceproject.oc1.iad.p
cd "$work"

fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}

# expect CODE COMMAND…: the exit code; output in "out", errors in "err".
expect() {
	local code=$1 got=0
	shift
	"$@" >out 2>err </dev/null || got=$?
	[ "$got" = "$code" ] || {
		cat out err >&2
		fail "exit code $got instead of $code: $*"
	}
}

# has FILE TEXT: a line of the file holds the text.
has() {
	grep -qF -- "$2" "$1" || {
		cat "$1" >&2
		fail "\"$2\" is missing"
	}
}

hasnt() {
	if grep -qF -- "$2" "$1"; then
		fail "\"$2\" should not be there"
	fi
}

# A directory with the published payloads: groups, history, clone, patch.
make_data() {
	expect 0 "$admin" init "$1" --cluster test
	expect 0 "$admin" apply "$1" "$examples/create-group.json" \
		"$examples/create-group-sdk.json" "$examples/create-history.json" \
		"$examples/clone-scoring.json" "$examples/patch-group.json"
}

# json FIELD: of the object in "out".
json() {
	python3 -c 'import json,sys
value = json.load(open("out"))
for part in sys.argv[1].split("."):
    value = value[int(part)] if isinstance(value, list) else value[part]
print(value)' "$1"
}

# shellcheck source=/dev/null
. "$here/$theme.sh"
