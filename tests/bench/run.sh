#!/usr/bin/env bash
# run.sh BENCH PLOT ROW...: the rows run, their JSON holds results, a chart comes out of
# it. What another system is needed for may be left out, with what to install.
set -euo pipefail
bench=$1
plot=$2
shift 2
dir=$(mktemp -d "${TMPDIR:-/tmp}/cadre-bench-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT
# PostgreSQL runs as another user when this is root.
chmod 711 "$dir"

"$bench" --quick --pairs 1 --dir "$dir" --json "$dir/results.json" "$@"
python3 - "$dir/results.json" "$@" <<'PYTHON'
import json
import sys

report = json.load(open(sys.argv[1]))
without = "--no-peers" in sys.argv
assert report["results"], "no results"
assert report["hardware"]["cores"] > 0
for result in report["results"]:
    if "left_out" in result:
        assert result["left_out"], result["row"]
        continue
    assert not without, result["row"]
    middle = result.get("ratio") or result["value"]
    assert middle["low"] <= middle["median"] <= middle["high"], result["row"]
PYTHON
python3 "$plot" "$dir/results.json" "$dir/chart.svg"
grep -q '</svg>' "$dir/chart.svg"
left=$(find "$dir" -mindepth 1 -maxdepth 1 -type d)
[ -z "$left" ] || {
	echo "data left behind: $left" >&2
	exit 1
}
