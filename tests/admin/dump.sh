# Dumps of a range, on a live directory, and altered ones.
make_data data
for format in json binary; do
	expect 0 "$admin" dump data --format $format --output whole.$format
	expect 0 "$admin" replay whole.$format copy.$format
	expect 0 "$admin" diff data copy.$format
	has out equal
	expect 0 "$admin" replay whole.$format unused --dry-run
	[ ! -e unused ] || fail 'a dry run made a directory'
done
expect 0 "$admin" dump copy.binary --output again.json
cmp whole.json again.json || fail 'the dump of a copy differs'

# A sample of positions in each; the unit test goes over every byte.
for format in json binary; do
	size=$(stat -c %s whole.$format)
	for position in 0 9 $((size / 3)) $((size / 2)) $((size - 70)) $((size - 2)) $((size - 1)); do
		python3 - whole.$format altered.$format "$position" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[3])] ^= 0x20
open(sys.argv[2], "wb").write(data)
END
		got=0
		"$admin" replay altered.$format broken >out 2>err || got=$?
		[ "$got" = 6 ] || [ "$got" = 1 ] || fail "byte $position of $format: exit code $got"
		[ ! -e broken ] && [ ! -e broken.partial ] || fail "byte $position of $format left files"
	done
done
head -c 900 whole.json >short.json
expect 6 "$admin" replay short.json broken
has err 'ends without its trailer'

# A range is a dump, but no beginning.
expect 0 "$admin" dump data --from 4 --to 5 --output range.json
has range.json '"fromSeq":4'
expect 1 "$admin" replay range.json broken
has err 'starts at seq 4'

# Beside a process that has the directory open.
mkfifo feed
"$admin" apply data - <feed >live.out 2>&1 &
pid=$!
exec 9>feed
printf '{"createHistory":{"compartmentId":"c","projectId":"p","displayName":"waits"}}\n' >&9
# Once its views are mapped it holds the lock; nobody else may take that before.
until grep -q 'data/views/.*/lock.mdb' "/proc/$pid/maps"; do
	kill -0 "$pid" || fail "apply ended early: $(cat live.out)"
done
until "$admin" resolve data scoring key-1 --quiet >out 2>err </dev/null; do
	has err UNAVAILABLE
done
expect 4 "$admin" snapshot data
has err 'in use by another process'
expect 0 "$admin" dump data --output live.json
expect 0 "$admin" resolve data scoring key-1 --quiet
exec 9>&-
wait "$pid"
expect 0 "$admin" replay live.json live
expect 0 "$admin" resolve live scoring key-1 --quiet
