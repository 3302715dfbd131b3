# An interrupted replay leaves nothing and says so.
make_data data
expect 0 "$admin" dump data --output data.jsonl
mkfifo feed
setsid "$admin" replay feed copy >out 2>err &
pid=$!
exec 9>feed
head -n 4 data.jsonl >&9
# The directory is made once the header was read.
until [ -d copy.partial/log ]; do
	kill -0 "$pid" 2>/dev/null || fail "replay ended early: $(cat err)"
done
kill -INT "$pid"
got=0
wait "$pid" || got=$?
exec 9>&-
[ "$got" = 5 ] || fail "exit code $got: $(cat err)"
has err interrupted
has err 'nothing was made'
[ ! -e copy ] && [ ! -e copy.partial ] || fail 'files are left'
