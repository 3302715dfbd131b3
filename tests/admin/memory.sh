# Dump and replay hold a bounded part of what they carry: under a limit on private
# memory that is smaller than the dump. Mapped views are page cache and do not count.
python3 - >groups.jsonl <<'END'
import json
for group in range(330):
    members = [{"modelId": ("ocid1.datasciencemodel.oc1..%04d.%03d." % (group, i)).ljust(250, "x"),
                "inferenceKey": "key-%d" % i} for i in range(1000)]
    print(json.dumps({"createGroup": {
        "compartmentId": "c", "projectId": "p", "displayName": "g%d" % group,
        "modelGroupDetails": {"type": "HOMOGENEOUS"}, "members": members}}))
for i in range(3000):
    print(json.dumps({"createHistory": {
        "compartmentId": "c", "projectId": "p", "displayName": "h%d" % i}}))
END
expect 0 "$admin" init data --cluster test
expect 0 "$admin" apply data groups.jsonl --quiet

# within KIB COMMAND…: succeeds with so much private memory.
within() {
	local limit=$1 got=0
	shift
	(ulimit -d "$limit" && exec "$@") >out 2>err </dev/null || got=$?
	[ "$got" = 0 ] || {
		tail -n 5 err >&2
		fail "exit code $got within $limit KiB: $*"
	}
}

for format in json binary; do
	within 32768 "$admin" dump data --format $format --output whole.$format
	[ "$(stat -c %s whole.$format)" -gt 75000000 ] || fail "a dump of $format is too small to tell"
	within 65536 "$admin" replay whole.$format copy.$format
	expect 0 "$admin" diff data copy.$format
	has out equal
done
