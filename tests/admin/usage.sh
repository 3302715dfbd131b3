# Exit codes, help and suggestions.
expect 2 "$admin"
expect 0 "$admin" --help
has out replay
expect 0 "$admin" --version
expect 2 "$admin" resolv
has err 'did you mean "resolve"?'
for verb in init apply resolve history key-log list show diff dump replay verify stat snapshot restore repair; do
	expect 0 "$admin" $verb --help
	has out "cadre-admin $verb"
	has out Example
	expect 2 "$admin" $verb --no-such-option
done
expect 2 "$admin" init data
expect 0 "$admin" init data --cluster c
expect 4 "$admin" init data --cluster c
expect 2 "$admin" list data grups
has err 'did you mean "groups"?'
expect 2 "$admin" resolve data a b --at yesterday
expect 3 "$admin" stat absent
expect 3 "$admin" show data absent
expect 3 "$admin" verify absent
expect 3 "$admin" show data absent --json
has err '"error":"NOT_FOUND"'

# Every verb has an example in the manual.
for verb in $("$admin" --help | sed -n 's/^  \([a-z-]*\)  *[a-z].*/\1/p'); do
	has "$source_dir/docs/ADMIN.md" "$ cadre-admin $verb "
done
