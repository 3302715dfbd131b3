#!/usr/bin/env bash
# A tour of a leader and a node with a worker: every step shows its command and what came
# of it. Ends by itself and cleans up; --keep leaves both running and says where they are,
# --bin DIR takes the programs from there instead of building a release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source_dir=$PWD

keep=0
bin=
while [ $# -gt 0 ]; do
	case $1 in
	--keep) keep=1 ;;
	--bin)
		bin=$(cd "${2:?--bin needs a directory}" && pwd)
		shift
		;;
	*)
		printf 'usage: tools/demo.sh [--keep] [--bin DIR]\n' >&2
		exit 2
		;;
	esac
	shift
done
if [ -z "$bin" ]; then
	[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
	targets='bin/cadred bin/cadre bin/cadre-admin'
	! grep -q 'bin/cadre-worker-llama:' build/release/build.ninja ||
		targets="$targets bin/cadre-worker-llama"
	# shellcheck disable=SC2086
	cmake --build build/release --target $targets
	bin=$PWD/build/release/bin
fi
[ -x "$bin/cadre-worker-llama" ] || {
	printf 'The tour needs cadre-worker-llama: "tools/dev llama" fetches what it is built on.\n' >&2
	exit 1
}

work=$(mktemp -d "${TMPDIR:-/tmp}/cadre-demo-XXXXXX")
pids=()
finish() {
	local code=$? pid
	if [ "$keep" = 1 ] && [ "$code" = 0 ]; then
		printf '\nKept: %s\n  export PATH=%s:$PATH CADRE_ADDRESS=%s\n  stop: kill %s\n' \
			"$work" "$bin" "$CADRE_ADDRESS" "${pids[*]}"
		return
	fi
	[ "$code" = 0 ] || tail -n 20 "$work"/*.log >&2 || :
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$work"
}
trap finish EXIT
cp docs/examples/*stacked-group.json "$work"
cd "$work"
export PATH=$bin:$PATH
unset CADRE_CONTEXT CADRE_COMPARTMENT CADRE_PROJECT
export XDG_CONFIG_HOME=$work/config

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

# say TEXT: what comes and why.
say() {
	printf '\n# %s\n' "$*"
}

# step COMMAND…: shows it, runs it.
step() {
	printf '%s$ %s%s\n' "$bold" "${*@Q}" "$plain" | sed "s/'\([a-zA-Z0-9_./:=-]*\)'/\1/g"
	"$@" 2>&1
}

# background NAME COMMAND…: shows it, starts it, waits until it serves.
background() {
	local name=$1 pid
	shift
	printf '%s$ %s &%s\n' "$bold" "$*" "$plain"
	"$@" --listen tcp://127.0.0.1:0 --http-listen 127.0.0.1:0 --ready-file "$name.json" \
		>"$name.log" 2>&1 &
	pid=$!
	pids+=("$pid")
	until [ -s "$name.json" ]; do
		kill -0 "$pid" 2>/dev/null || exit 1
		sleep 0.05
	done
	grep -E ' (daemon.listening|daemon.security) ' "$name.log" | cut -d' ' -f3-
}

# ready NAME FIELD: an address out of its ready file.
ready() {
	sed -n "s|.*\"$2\":\"\([^\"]*\)\".*|\1|p" "$1.json"
}

# predict FILE KEY: asks, and keeps the answer.
predict() {
	step cadre predict prod "$2" --data question.json | tee "$1"
}

say 'The leader: a data directory, and a daemon on it. The log in it is the only truth.'
step cadre-admin init leader --cluster demo
background leader cadred leader --data-dir leader --replication-listen tcp://127.0.0.1:0
CADRE_ADDRESS=$(ready leader rpc)
export CADRE_ADDRESS
join=$(ready leader replication)

say 'A node: it copies the log, builds its own views, and starts an inference worker.'
background node cadred follower --data-dir node --name gpu-1 --join "$join" \
	--predict-listen tcp://127.0.0.1:0
step cadre status

say 'Tiny models with random weights: a base and four adapters on it. They know nothing, but differ.'
gguf=$source_dir/tools/make_gguf.py
python3 "$gguf" base base.gguf --seed 1
step cadre model register --id ocid1.datasciencemodel.oc1..base --name base --kind base --artifact base.gguf
seed=10
for name in french1 french2 german1 italian1; do
	python3 "$gguf" adapter "$name.gguf" --seed "$seed"
	seed=$((seed + 1))
	cadre model register --id "ocid1.datasciencemodel.oc1..$name" --name "$name" --kind lora \
		--artifact "$name.gguf" --quiet >/dev/null
done
step cadre model list

say 'A version history, and its first group: the request body that an OCI client sends.'
step cadre history create --name assistants
step cadre group create --from-json create-stacked-group.json --history assistants

say 'Deployed: the leader picks a node, the node loads every member, then all switch at once.'
step cadre deployment create --name prod --group assistants
step cadre deployment wait prod --timeout 60
step cadre deployment models prod

say 'Ask a model by its inference key.'
printf '{"prompt":"Bonjour","n_predict":8}\n' >question.json
predict before.json french

say 'The everyday change: French is retrained. One patch is the next version; one update rolls it out.'
step cadre group patch assistants --remove french \
	--insert french=ocid1.datasciencemodel.oc1..french2 --name assistants-2
step cadre deployment update prod --group assistants
step cadre deployment wait prod --timeout 60
predict after.json french
! cmp -s before.json after.json || {
	printf 'The answers do not differ.\n' >&2
	exit 1
}

say 'The same from an OCI request body: a clone of the version history, with INSERT and REMOVE.'
step cadre group create --from-json clone-stacked-group.json
step cadre history log assistants
step cadre diff assistants-1 assistants

say 'What did "french" mean, who changed it, and when?'
step cadre key-log assistants french
first=$(cadre key-log assistants french --json | grep -o '"seq": *[0-9]*' | grep -o '[0-9]*' |
	sort -n | head -n 1)
step cadre resolve assistants french
step cadre resolve assistants french --at "$first"

say 'The leader dies. The node goes on: it looks keys up and predicts from what it holds.'
step kill -9 "${pids[0]}"
wait "${pids[0]}" 2>/dev/null || :
step cadre resolve prod french --address "$(ready node rpc)"
step cadre predict prod french --data question.json --address "$(ready node rpc)"

say 'The whole log as one file, and a new directory from it: same chain, same digest.'
step cadre-admin dump leader --output fleet.dump
step cadre-admin replay fleet.dump copy
step cadre-admin diff leader copy
say 'And the copy that the node made while all this happened.'
step cadre-admin diff leader node

if [ "$keep" = 1 ]; then
	say 'The leader again; the node finds it by itself.'
	unset 'pids[0]'
	rm -f leader.json
	background leader cadred leader --data-dir leader --replication-listen "$join"
	CADRE_ADDRESS=$(ready leader rpc)
fi
printf '\nDone.\n'
