# The published payloads from create to a key's history.
make_data data
has out 'version 3'

expect 0 "$admin" apply data "$examples/member-entries.json" --name fragment
expect 0 "$admin" show data fragment
has out 'key1  ocid1.datasciencemodel.oc1.iad.aaaaaaaa4kqzxsqdmlf3x2hedpyghfpy727odfuwr3pwwhocw32wbtjuj5zq'
expect 0 "$admin" apply data "$examples/create-deployment.json" --set model_group_id=scoring-3
expect 0 "$admin" show data 'MMS Model Group Deployment'

expect 0 "$admin" resolve data scoring key-11 --quiet
[ "$(cat out)" = ocid1.datasciencemodel.oc1..m11 ] || fail "key-11: $(cat out)"
expect 3 "$admin" resolve data scoring key-3
expect 0 "$admin" resolve data scoring key-3 --at 4
expect 3 "$admin" resolve data scoring key-1 --at 3
expect 5 "$admin" resolve data scoring key-1 --at 99
has err LAGGING
expect 0 "$admin" resolve data scoring key-1 --json
[ "$(json modelId)" = ocid1.datasciencemodel.oc1..m21 ] || fail "key-1: $(cat out)"
[ "$(json versionId)" = 3 ] || fail "version: $(cat out)"

expect 0 "$admin" history data scoring
has out 'latest'
[ "$(grep -c '^\*' out)" = 3 ] || fail "history: $(cat out)"
expect 0 "$admin" history data scoring --json
[ "$(json versions.1.added)" = 2 ] && [ "$(json versions.1.removed)" = 1 ] ||
	fail "changes of version 2: $(cat out)"

expect 0 "$admin" key-log data scoring key-3 --json
[ "$(json changes.0.seq)" = 4 ] && [ "$(json changes.1.seq)" = 5 ] &&
	[ "$(json changes.1.to)" = None ] || fail "key log: $(cat out)"
expect 3 "$admin" key-log data scoring never

expect 0 "$admin" diff data scoring-1 scoring
has out '+3 -2 ~0'
expect 0 "$admin" list data groups --json
[ "$(json groups.0.displayName)" = 'My ModelGroup' ] || fail "list: $(cat out)"

# A second patch of version 2 is refused, and drawn as a branch when asked for.
old=$("$admin" show data 'test model group clone from mgvh' --quiet)
printf '{"patchGroup":{"sourceId":"%s","branch":true,"overrides":{"displayName":"side"},"patch":[{"operation":"REMOVE","values":[{"modelId":"ocid1.datasciencemodel.oc1..m12"}]}]}}' \
	"$old" >branch.json
expect 0 "$admin" apply data branch.json
expect 0 "$admin" history data scoring
has out '| *         3'
has out '|/'
