#!/usr/bin/env bash
# run.sh BENCH PLOT ROW: the row runs, its JSON holds results, a chart comes out of it.
set -euo pipefail
bench=$1
plot=$2
row=$3
dir=$(mktemp -d "${TMPDIR:-/tmp}/cadre-bench-test-XXXXXX")
trap 'rm -rf "$dir"' EXIT

"$bench" --quick --pairs 1 --dir "$dir" --json "$dir/results.json" "$row"
python3 - "$dir/results.json" <<'PYTHON'
import json
import sys

report = json.load(open(sys.argv[1]))
assert report["results"], "no results"
assert report["hardware"]["cores"] > 0
for result in report["results"]:
    if "left_out" in result:
        assert result["left_out"], result["row"]
        continue
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
