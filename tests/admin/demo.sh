# The tour runs to its end and cleans up after itself.
expect 0 env TMPDIR="$work" "$source_dir/tools/demo.sh" --bin "$(dirname "$admin")"
has out equal
has out sound
[ -z "$(ls -d "$work"/cadre-demo-* 2>/dev/null)" ] || fail 'the tour left its directory'
