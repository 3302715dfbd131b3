# What a name means, refusals and where they are, dry runs.
make_data data
expect 4 "$admin" apply data "$examples/create-history.json"
has err 'createHistory.displayName'

# Nothing behind a refusal takes effect; everything before it does.
cat >list.jsonl <<'END'
{"createHistory":{"compartmentId":"c","projectId":"p","displayName":"h1"}}
{"createHistory":{"compartmentId":"c","projectId":"p","displayName":"h1"}}
{"createHistory":{"compartmentId":"c","projectId":"p","displayName":"h2"}}
END
expect 4 "$admin" apply data list.jsonl
has err 'list.jsonl:2:'
expect 0 "$admin" list data histories --compartment c --json
[ "$(json histories.0.displayName)" = h1 ] || fail "h1: $(cat out)"
hasnt out h2
expect 4 "$admin" apply data list.jsonl --keep-going
expect 0 "$admin" list data histories --compartment c
has out h2

# A dry run sees its own earlier commands and changes nothing.
cat >chain.jsonl <<'END'
{"memberModelEntries":{"memberModelDetails":[{"modelId":"ocid1.datasciencemodel.oc1..x"}]},"displayName":"dry"}
{"createHistory":{"compartmentId":"ocid1.compartment.oc1..c","projectId":"p","displayName":"dry line","latestModelGroupId":"dry"}}
END
seq=$("$admin" stat data --quiet)
expect 0 "$admin" apply data chain.jsonl --dry-run
has err '2 accepted'
[ "$("$admin" stat data --quiet)" = "$seq" ] || fail 'a dry run wrote events'
expect 0 "$admin" apply data chain.jsonl
has err '"dry" is the model group'

# A retry token has one answer.
expect 0 "$admin" apply data "$examples/patch-group.json"
has out 'done before'

# Paths of both spellings.
printf '{"createGroup":{"compartmentId":"c","projectId":"p","modelGroupDetails":{"type":"HOMOGENEOUS"},"members":[{"modelId":"ocid1.x","inferenceKey":"%040d"}]}}' 0 >long.json
expect 1 "$admin" apply data long.json
has err 'createGroup.members[0].inferenceKey'
printf '{"createGroup":{"compartmentId":"c","projectId":"p","memberz":[]}}' >typo.json
expect 1 "$admin" apply data typo.json
has err 'createGroup.memberz: unknown field, did you mean "members"?'
printf '{"patchGroup":{"sourceId":"no such name","patch":[]}}' >absent.json
expect 3 "$admin" apply data absent.json
has err 'nothing is named "no such name"'

# Batches: together or not at all.
expect 0 "$admin" apply data "$examples/batch.jsonl" --compartment default
printf '{"batch":{"commands":[{"createHistory":{"compartmentId":"c","projectId":"p","displayName":"h3"}},{"deleteGroup":{"id":"ocid1.none"}}]}}' >half.json
expect 3 "$admin" apply data half.json
has err 'commands[1]'
expect 0 "$admin" list data histories --compartment c
hasnt out h3
