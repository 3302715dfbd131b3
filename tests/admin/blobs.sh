# Blobs: counted, hashed, named when damaged, removed by repair.
make_data data
mkdir -p data/blobs/sha256
put() {
	printf '%s' "$1" >data/blobs/sha256/"$(printf '%s' "$1" | sha256sum | cut -d ' ' -f 1)"
}
put one
put three
expect 0 "$admin" stat data
has out 'blobs     2, '
expect 0 "$admin" stat data --json
[ "$(json blobBytes)" = 8 ] || fail "blobBytes: $(cat out)"
expect 0 "$admin" verify data
has out 'blobs      sound, 2 checked'

one=$(printf one | sha256sum | cut -d ' ' -f 1)
printf two >data/blobs/sha256/"$one"
# What is no blob's name is none.
printf x >data/blobs/sha256/readme
expect 6 "$admin" verify data
has out "blobs/sha256/$one"
has out 'blobs      damaged, 2 checked'
expect 6 "$admin" verify data --json
[ "$(json blobs)" = damaged ] || fail "blobs: $(cat out)"
expect 6 "$admin" repair data
has out 'upload it again'
[ -e data/blobs/sha256/"$one" ] || fail 'removed without --yes'
expect 0 "$admin" repair data --yes
[ ! -e data/blobs/sha256/"$one" ] || fail 'not removed'
expect 0 "$admin" verify data

expect 0 "$admin" dump data --output data.jsonl
expect 0 "$admin" replay data.jsonl copy
[ ! -e copy/blobs ] || fail 'a dump carries no blobs'
