# test/lib/Pgdf/Test.pm: servers and workers for the TAP tests, on PostgreSQL's own Cluster module.
#
#   use Pgdf::Test;
#   my $node = new_node('main');                     # running, extension in database postgres
#   my $worker = start_worker($node);                # attached
#   my $id = df_start($node, 'charge_then_ship');
#   $worker->kill9;
#   wait_for_status($node, $id, 'Completed');
#   done_testing();
#
# $node is a PostgreSQL::Test::Cluster: stop('immediate'), start, safe_psql, poll_query_until, append_conf ...
# $worker is a Pgdf::Process: pid, log, kill9, term, stop, cont, hup, wait_exit, wait_log.

package Pgdf::Test;

use strict;
use warnings;

use PostgreSQL::Test::Utils;    # first: it clears the PG* variables
use PostgreSQL::Test::Cluster;
use Test::More;

use Carp;
use Exporter 'import';
use File::Basename qw(basename);
use IPC::Run;
use Pgdf::Process qw(is_alive poll slurp spawn_worker);
use Time::HiRes qw(time);

our @EXPORT = (
	@Test::More::EXPORT,
	qw(new_node start_worker df_start df_status wait_for wait_for_status wait_for_event
	  doctor_finds_nothing kill9_server cli temp_dir write_file is_alive memory_limit_kb bar slurp time)
);

# Tests read the same wherever they run, and connect as the superuser unless they say otherwise.
$ENV{PGUSER} = 'postgres';

# A running server with the extension and the tests' roles in database postgres.
#   conf => extra lines of postgresql.conf, start => 1, and what Cluster->init takes (allows_streaming ...)
sub new_node
{
	my ($name, %opts) = @_;
	my $conf = delete $opts{conf} // '';
	my $start = delete $opts{start} // 1;
	my $node = PostgreSQL::Test::Cluster->new($name);

	init_from_template($node, %opts);
	$node->append_conf('postgresql.conf', slurp("$ENV{PGDF_TEST_DIR}/lib/postgresql.conf") . $conf);
	$node->start if $start;
	return $node;
}

# Cluster->init, but a copy of the cluster that test/run made once takes the place of initdb.
sub init_from_template
{
	my ($node, %opts) = @_;
	my $run = \&PostgreSQL::Test::Utils::system_or_bail;

	no warnings 'redefine';
	local *PostgreSQL::Test::Utils::system_or_bail = sub {
		return $run->(@_) if $_[0] ne 'initdb';
		return $run->('cp', '-a', $ENV{PGDF_TEMPLATE}, $node->data_dir);
	};
	local $ENV{INITDB_TEMPLATE} = $ENV{PGDF_TEMPLATE};
	$node->init(%opts);
	return;
}

# Start a worker on the node, as role regress_worker, and wait until it is attached.
#   db => 'postgres', user => 'regress_worker', and what spawn_worker() takes: name, args, config, env, wait
sub start_worker
{
	my ($node, %opts) = @_;
	my $db = delete $opts{db} // 'postgres';
	my $user = delete $opts{user} // 'regress_worker';

	return spawn_worker(
		conninfo => $node->connstr($db) . " user=$user",
		dir => worker_dir(),
		query => sub { return $node->safe_psql($db, $_[0]); },
		%opts);
}

# Where the workers' files go; other tests, which run at the same time, call theirs the same.
sub worker_dir
{
	my $dir = "$PostgreSQL::Test::Utils::log_path/" . basename($0, '.pl');

	-d $dir || mkdir($dir) or croak "could not create \"$dir\": $!";
	return $dir;
}

# Start an instance; input is JSON text.  Options: id, user, db.
sub df_start
{
	my ($node, $name, $input, %opts) = @_;

	return $node->safe_psql(
		$opts{db} // 'postgres',
		'SELECT df_start(' . join(', ', literal($name), literal($input), literal($opts{id})) . ')',
		connstr($node, %opts));
}

sub df_status
{
	my ($node, $id, %opts) = @_;

	return $node->safe_psql($opts{db} // 'postgres',
		'SELECT runtime_status FROM df_status(' . literal($id) . ')');
}

# How a test of faults ends: no invariant is violated (warnings are about what an operator should look at).
sub doctor_finds_nothing
{
	my ($node, %opts) = @_;

	is($node->safe_psql($opts{db} // 'postgres', q{SELECT * FROM df.doctor(true, settle => '0') WHERE severity = 'violation'}),
		'', 'df.doctor finds nothing');
	return;
}

# Wait until an instance has this status (or one of these: pass a regular expression); dies with what it has instead.
sub wait_for_status
{
	my ($node, $id, $status, %opts) = @_;
	my $wanted = ref $status ? $status : qr/^\Q$status\E$/;
	my $seen = '';

	return $seen
	  if poll(sub { ($seen = df_status($node, $id, %opts)) =~ $wanted }, $opts{timeout});
	croak "instance \"$id\" is \"$seen\", expected $status:\n"
	  . $node->safe_psql($opts{db} // 'postgres',
		'SELECT * FROM df_status(' . literal($id) . ')',
		extra_params => ['-x']);
}

# Wait until an instance's history has at least $count events of a type (of the given name).
sub wait_for_event
{
	my ($node, $id, $type, %opts) = @_;
	my $count = $opts{count} // 1;
	my $query = 'SELECT count(*) FROM df_history(' . literal($id) . ') WHERE event_type = ' . literal($type);

	$query .= ' AND name = ' . literal($opts{name}) if defined $opts{name};
	wait_for(sub { return $node->safe_psql($opts{db} // 'postgres', $query) >= $count },
		"$count $type of instance \"$id\"", $opts{timeout});
	return;
}

# Wait until $condition returns something true, and return that; dies naming $what at the deadline.
sub wait_for
{
	my ($condition, $what, $timeout) = @_;

	return poll($condition, $timeout) || croak "waited in vain for $what";
}

# Kill the whole server as a power failure would; returns when every process of it is gone.
sub kill9_server
{
	my ($node) = @_;
	my $data_dir = $node->data_dir;
	my $pids = sub {
		return grep { (readlink("/proc/$_/cwd") // '') eq $data_dir } map { m!/proc/(\d+)$! } glob('/proc/[0-9]*');
	};

	kill('KILL', $pids->());
	wait_for(sub { return !$pids->() }, 'the end of the server');
	wait_for(sub { return !-e "/proc/$node->{_pid}" }, 'the end of the postmaster');
	$node->{_pid} = undef;
	return;
}

# Run the command line program: ($exit_code, $stdout, $stderr).
#   args => [...], db => 'postgres', user => 'regress_user', stdin => text, env => {...}
sub cli
{
	my ($node, $args, %opts) = @_;
	my ($out, $err) = ('', '');
	my $in = $opts{stdin} // '';

	local %ENV = (
		%ENV,
		PGHOST => $node->host,
		PGPORT => $node->port,
		PGDATABASE => $opts{db} // 'postgres',
		PGUSER => $opts{user} // 'regress_user',
		%{ $opts{env} // {} });
	IPC::Run::run([ $ENV{PGDF} // 'pgdf', @{$args} ],
		\$in, \$out, \$err, IPC::Run::timeout($opts{timeout} // $Pgdf::Process::deadline));
	return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $out, $err);
}

sub temp_dir { return PostgreSQL::Test::Utils::tempdir(@_); }

sub write_file
{
	my ($path, $text) = @_;

	open(my $fh, '>', $path) or croak "could not write \"$path\": $!";
	print $fh $text;
	close($fh) or croak "could not write \"$path\": $!";
	return $path;
}

# What a worker may have resident; the sanitizers' own memory comes on top.
sub memory_limit_kb { return ($ENV{PGDF_PROGRAM} // '') =~ /asan/ ? 256 * 1024 : 64 * 1024; }

# Seconds that something may take: the promised ones with PGDF_TEST_STRICT=1, five times as many on a machine that is busy.
sub bar { return $ENV{PGDF_TEST_STRICT} ? $_[0] : 5 * $_[0]; }

sub literal
{
	my ($text) = @_;

	return 'NULL' if !defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

sub connstr
{
	my ($node, %opts) = @_;

	return () if !defined $opts{user};
	return (connstr => $node->connstr($opts{db} // 'postgres') . " user=$opts{user}");
}

1;
