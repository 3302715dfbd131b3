# Damage in the middle of the log: told, not cut, mended from a copy or with consent.
make_data data
expect 0 "$admin" dump data --output data.jsonl
expect 0 "$admin" replay data.jsonl copy
cp -r data mended
cp -r data cut
segment=$(cd data/log && ls | grep -v next | head -n 1)
flip() {
	python3 - "$1" <<'END'
import sys
# The third frame: 4 KiB segment header, then frames of 4 KiB.
with open(sys.argv[1], "r+b") as f:
    f.seek(4096 * 3 + 200)
    byte = f.read(1)
    f.seek(4096 * 3 + 200)
    f.write(bytes([byte[0] ^ 1]))
END
}
for directory in data mended cut; do
	flip "$directory/log/$segment"
done
expect 6 "$admin" verify data
has out damaged
has out "log/$segment"
expect 6 "$admin" verify data --json
[ "$(json verdict)" = damaged ] || fail "verdict: $(cat out)"
expect 6 "$admin" stat data
expect 6 "$admin" repair data
sound=$("$admin" repair data --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["soundToSeq"])') || true

expect 6 "$admin" repair mended --from copy
expect 0 "$admin" repair mended --from copy --yes
expect 0 "$admin" verify mended
expect 0 "$admin" stat mended --quiet
expect 0 "$admin" diff copy mended
has out equal

expect 1 "$admin" repair cut --i-accept-loss-after 999 --yes
expect 0 "$admin" repair cut --i-accept-loss-after "$sound" --yes
expect 0 "$admin" stat cut --quiet
[ "$(cat out)" = "$sound" ] || fail "cut at $(cat out) instead of $sound"
[ -n "$(ls cut/lost+found)" ] || fail 'nothing was kept in lost+found'
expect 0 "$admin" verify cut
expect 0 "$admin" repair copy
has out 'nothing to repair'
