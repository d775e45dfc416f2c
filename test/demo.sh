#!/bin/bash
# test/demo.sh: "make demo" backs a tree up, survives the death of its worker, cleans up behind itself, and runs twice.

set -eu

ROOT=$(cd "$(dirname "$0")/.." && pwd -P)
WORK=$(mktemp -d)
NUMBER=0
export DIR=$WORK/tree STATE=$WORK/state

cleanup()
{
	"$ROOT/packaging/demo/run" stop || true
	rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# is NAME COMMAND...: a test that passes when the command succeeds
is()
{
	local name=$1 result=ok

	shift
	"$@" >/dev/null 2>&1 || result='not ok'
	NUMBER=$((NUMBER + 1))
	echo "$result $NUMBER - $name"
	[ "$result" = ok ] || sed 's/^/# /' "$WORK/out" >&2
}

demo()
{
	"$ROOT/packaging/demo/run" >"$WORK/out" 2>&1 </dev/null
}

has()
{
	grep -qE -- "$1" "$WORK/out"
}

not()
{
	! "$@"
}

# Wait for a worker that is not this one.
another_worker()
{
	local pid

	for _ in $(seq 100)
	do
		pid=$(cat "$STATE/worker.pid")
		if [ "$pid" != "$1" ] && [ -e "/proc/$pid/exe" ]
		then
			return 0
		fi
		sleep 0.1
	done
	return 1
}

mkdir -p "$DIR/a b/.hidden"
: > "$DIR/empty"
for number in $(seq 300)
do
	head -c "$number" /dev/zero > "$DIR/a b/.hidden/file $number?"
done

is 'the demo succeeds' demo
is 'it prints the status' has '"runtimeStatus": "Completed"'
is 'with the sum of the bytes' has '"output": 45150'
is 'it compares with its own count' has '^bytes in the tree: 45150$'
is 'it says where the blobs are' test -f "$STATE/blobs/backups$DIR/empty"
is 'the server is gone' not test -e "$STATE/server.path"

KEEP=1
export KEEP
is 'a second run succeeds, and stays' demo
is 'it says how to connect' has '^export PGHOST='
is 'the server is there' test -f "$STATE/server.path"
server=$(cat "$STATE/server.path")
killed=$(cat "$STATE/worker.pid")
kill -KILL "$killed"
is 'a killed worker is replaced' another_worker "$killed"
KEEP=
is 'a third run stops the second' demo
is 'whose files are gone' not test -d "$server/run/data"

DIR=$WORK/missing
is 'a tree that is not there is refused' not demo
is 'with a reason' has 'DIR is not a directory'
DIR=$WORK
is 'a tree that holds the demo itself is refused' not demo
echo "1..$NUMBER"
