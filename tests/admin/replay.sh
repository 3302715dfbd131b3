# Thousands of events go through both formats with equal chain and digest.
make_data data
python3 - >many.jsonl <<'END'
import json
for i in range(3000):
    members = [{"modelId": f"ocid1.datasciencemodel.oc1..m{i}-{j}", "inferenceKey": f"k\u00e9y\"{j}"} for j in range(i % 5 + 1)]
    print(json.dumps({"createGroup": {"compartmentId": "many", "projectId": "p", "displayName": f"g{i}", "modelGroupDetails": {"type": "HOMOGENEOUS"}, "members": members}, "retryToken": f"t{i}"}))
END
expect 0 "$admin" apply data many.jsonl
has err '3000 accepted, 0 refused'
expect 0 "$admin" verify data
has out sound
digest=$("$admin" stat data --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["digest"])')
for format in json binary; do
	"$admin" dump data --format $format 2>/dev/null | "$admin" replay - copy.$format >out 2>err ||
		fail "replay of $format: $(cat err)"
	has out "$digest (as in the dump)"
	expect 0 "$admin" diff data copy.$format
	expect 0 "$admin" verify copy.$format
done

# A prefix, a copy with a chain of its own, one history alone.
"$admin" dump data --output data.jsonl 2>/dev/null
expect 0 "$admin" replay data.jsonl prefix --until 6
has out 'seq 6'
expect 1 "$admin" diff data prefix
has out "one is the beginning of the other"
expect 0 "$admin" replay data.jsonl timeline --new-timeline
expect 0 "$admin" verify timeline
expect 1 "$admin" diff data timeline
has out 'they differ from the batch of seq 1 on'
history=$("$admin" show data scoring --quiet 2>/dev/null)
expect 0 "$admin" replay data.jsonl alone --only "$history"
expect 0 "$admin" verify alone
[ "$("$admin" stat alone --quiet)" = 5 ] || fail 'more than the history was kept'
expect 0 "$admin" resolve alone scoring key-1 --quiet
[ "$(cat out)" = ocid1.datasciencemodel.oc1..m21 ] || fail 'another answer'
group=$("$admin" show data scoring-3 --quiet 2>/dev/null)
expect 0 "$admin" replay data.jsonl lonely --only "$group"
expect 0 "$admin" verify lonely
[ "$("$admin" stat lonely --quiet)" = 4 ] || fail 'a group needs its sources, and no more'
expect 0 "$admin" resolve lonely scoring-3 key-2 --quiet
expect 3 "$admin" show lonely scoring
expect 3 "$admin" replay data.jsonl none --only ocid1.none
expect 4 "$admin" replay data.jsonl alone
expect 0 "$admin" replay --views-only copy.json
has out "$digest"

# Snapshots.
expect 0 "$admin" snapshot data --quiet
snapshot=$(cat out)
expect 0 "$admin" restore "$snapshot" restored
has out "$digest"
expect 0 "$admin" verify restored
expect 0 "$admin" restore data.jsonl restored2
expect 0 "$admin" diff data restored2
