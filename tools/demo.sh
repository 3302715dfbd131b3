#!/usr/bin/env bash
# A tour of a data directory: every step shows its command and its result. Ends by
# itself and cleans up; --keep leaves the directory and says where it is, --bin DIR takes
# the program from there instead of building a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

keep=0
bin=
while [ $# -gt 0 ]; do
	case $1 in
	--keep) keep=1 ;;
	--bin)
		bin=$(cd "${2:?--bin needs a directory}" && pwd)
		shift
		;;
	*)
		printf 'usage: tools/demo.sh [--keep] [--bin DIR]\n' >&2
		exit 2
		;;
	esac
	shift
done
if [ -z "$bin" ]; then
	[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
	cmake --build build/release --target cadre-admin
	bin=$PWD/build/release/bin
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/cadre-demo-XXXXXX")
finish() {
	if [ "$keep" = 1 ]; then
		printf '\nKept: %s\n' "$work"
	else
		rm -rf "$work"
	fi
}
trap finish EXIT
cp docs/examples/*.json* "$work"
cd "$work"
export CADRE_COMPARTMENT=ocid1.compartment.oc1..c
export CADRE_PROJECT=ocid1.datascienceproject.oc1.iad.p

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

# step EXPLANATION COMMAND…: says why, shows the command, runs it.
step() {
	printf '\n# %s\n%s$ cadre-admin %s%s\n' "$1" "$bold" "${*:2}" "$plain"
	"$bin/cadre-admin" "${@:2}" 2>&1
}

step 'A data directory holds an append-only log and views that are built from it.' \
	init data --cluster demo
step 'A model group from the request body that an OCI client sends.' \
	apply data create-group.json
step 'The fragment from the documentation works too; flags fill what it lacks.' \
	apply data member-entries.json --name 'from the documentation'
step 'A second group, and a version history with it as the latest (named, not by OCID).' \
	apply data create-group-sdk.json create-history.json
before=$("$bin/cadre-admin" stat data --quiet)
step 'Clone from the history: key-11 and key-12 come, key-3 goes; it becomes the latest.' \
	apply data clone-scoring.json
step 'The everyday change: one model of the latest version is replaced.' \
	apply data patch-group.json
step 'Who serves key-1 today?' resolve data scoring key-1
step "And before the clone, at seq $before?" resolve data scoring key-1 --at "$before"
step 'The line of versions.' history data scoring
step 'Every change of a key.' key-log data scoring key-3
step 'What differs between the first version and the latest.' diff data scoring-1 scoring
step 'The whole log as JSON Lines, sealed by a hash over every byte.' \
	dump data --output dump.jsonl
printf '\n%s$ head -n 3 dump.jsonl | cut -c 1-150%s\n' "$bold" "$plain"
head -n 3 dump.jsonl | cut -c 1-150
step 'A new directory from the dump: same seqs, times, ids, chain and digest.' \
	replay dump.jsonl copy
step 'The two directories are the same log and the same state.' diff data copy
step 'Every checksum, the chain, and the views against a replay.' verify data
printf '\nDone.\n'
