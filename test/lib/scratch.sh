# test/lib/scratch.sh: a private copy of the server, run by an unprivileged user.
# Sourced by test/run and packaging/demo/run.  Rule: nothing here writes outside the directory it was given.
# shellcheck shell=bash

PG_CONFIG=${PG_CONFIG:-pg_config}

# The user that runs servers: the caller, or somebody unprivileged when the caller is root (initdb refuses root).
scratch_user()
{
	local user

	if [ "$(id -u)" -ne 0 ]
	then
		id -un
		return
	fi
	for user in postgres nobody
	do
		if id -u "$user" >/dev/null 2>&1
		then
			echo "$user"
			return
		fi
	done
	echo "no unprivileged user (postgres, nobody) to run a server as" >&2
	return 1
}

# Run a command as that user.
as_user()
{
	if [ "$(id -u)" -ne 0 ]
	then
		"$@"
	else
		setpriv --reuid "$SCRATCH_USER" --regid "$(id -g "$SCRATCH_USER")" --clear-groups -- "$@"
	fi
}

# Print a new directory that this user can reach and execute programs in: below the first of the given
# directories that allows it (a checkout may be below a directory of mode 0700, /tmp may be mounted noexec).
scratch_dir()
{
	local base dir

	for base in "$@"
	do
		# the path of a unix socket has room for 107 characters
		if [ ! -d "$base" ] || [ "${#base}" -gt 50 ]
		then
			continue
		fi
		dir=$(mktemp -d "$base/pgdf.XXXXXX" 2>/dev/null) || continue
		chmod 755 "$dir"
		[ "$(id -u)" -ne 0 ] || chown "$SCRATCH_USER:" "$dir"
		if cp "$(type -P true)" "$dir/probe" && as_user "$dir/probe" 2>/dev/null
		then
			rm -f "$dir/probe"
			echo "$dir"
			return
		fi
		rm -rf "$dir"
	done
	echo "no directory in which user $SCRATCH_USER can run programs: tried $*" >&2
	return 1
}

# Mirror the server below $1: programs are copies, because PostgreSQL finds its files relative to the
# program that runs; the library and share directories are real directories of links, because an install must not
# write through into the machine.
scratch_mirror()
{
	local prefix=$1 bindir dir

	bindir=$("$PG_CONFIG" --bindir)
	mkdir -p "$prefix$bindir"
	cp -RL "$bindir/." "$prefix$bindir"
	for dir in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)"
	do
		mkdir -p "$prefix$dir"
		cp -Rs "$dir/." "$prefix$dir"
	done
	rm -f "$prefix$("$PG_CONFIG" --pkglibdir)"/pgdf* "$prefix$("$PG_CONFIG" --sharedir)"/extension/pgdf*
	scratch_mirror_libraries "$prefix" "$bindir"
}

# A server that is no package of the distribution may bring libraries along, which its programs find relative to themselves.
scratch_mirror_libraries()
{
	local prefix=$1 bindir=$2 library

	for library in $(ldd "$bindir/postgres" "$bindir/psql" | awk '$3 ~ "^/" && $3 !~ "^/(usr/)?lib" { print $3 }' | sort -u)
	do
		library=$(realpath -s "$library")
		mkdir -p "$prefix${library%/*}"
		ln -sf "$library" "$prefix$library"
	done
}

# End the processes that run in, or from, directory $1, and nobody else's.  SIGINT first: a server
# then removes its shared memory.
scratch_end_processes()
{
	local dir=$1 signal pids

	for signal in INT KILL
	do
		pids=$(scratch_processes "$dir")
		# shellcheck disable=SC2086
		[ -z "$pids" ] || kill "-$signal" $pids 2>/dev/null || true
		for _ in $(seq 50)
		do
			[ -n "$(scratch_processes "$dir")" ] || return 0
			sleep 0.1
		done
	done
}

scratch_processes()
{
	find /proc/[0-9]*/exe /proc/[0-9]*/cwd -maxdepth 0 -printf '%h %l\n' 2>/dev/null |
		awk -v dir="$1/" -v self="/proc/$$" 'index($2, dir) == 1 && $1 != self { print substr($1, 7) }' | sort -u
}
