# test/soak/run.pl: steady work with a fault every minute, for HOURS; see make soak.
#
#   HOURS=1 RATE=100 (activities a second) SEED= in the environment.
#
# One worker, the witness, is never killed: its memory, and the size of the tables, may not grow.  What has ended is
# purged after two minutes.  Every five minutes df.doctor() is asked, and a line of figures is printed: sizes are the
# highest of those five minutes.
#
# Faults come a thousand times as often as they should, and so does what the server does at intervals of its own:
# autovacuum, and checkpoints, since an index forgets in a crash which free pages it has found since the last one
# (docs/internals.md, "Dead rows").

use strict;
use warnings;

use List::Util qw(max min sum0);
use Pgdf::Test;
use Time::HiRes qw(sleep time);

my $hours = $ENV{HOURS} || 1;
my $rate = $ENV{RATE} || 100;
my $seed = $ENV{SEED} || $$;
my $seconds = $hours * 3600;
my $sample_every = min(300, $seconds / 12);
my $fault_every = min(60, $seconds / 12);

srand($seed);
diag("SEED=$seed, $hours h, $rate activities a second");

# on a busy machine the server may take its time to start
$ENV{PGCTLTIMEOUT} = 600;

my $node = new_node('main', conf => join("\n", 'pgdf.max_deliveries = 100', 'restart_after_crash = on',
	"autovacuum_naptime = '10s'", "checkpoint_timeout = '30s'", $ENV{CONF} // '', ''));

set_up();
my $witness = start_worker($node, name => 'witness');
my @workers = map { start_worker($node, name => "victim$_") } 1 .. 2;
my ($started, $faults, $most_bytes, $most_file_kb, @samples, @wrong) = (0, 0, 0, 0);
my $began = time();
my ($next_fault, $next_sample, $next_purge) = ($fault_every, $sample_every, 10);

while ((my $now = time() - $began) < $seconds)
{
	start_some();
	if ($now >= $next_purge) { purge(); measure(); $next_purge += 10; }
	if ($now >= $next_fault) { fault(); $next_fault += $fault_every; }
	if ($now >= $next_sample) { sample($now); $next_sample += $sample_every; }
	my $pause = 1 - (time() - $began - $now);

	sleep($pause) if $pause > 0;
}
finish();

# Work of each kind; what SQL activities write shows whether they were done once.
sub set_up
{
	$node->safe_psql('postgres', q{
		CREATE TABLE effects (id bigint PRIMARY KEY);
		CREATE FUNCTION note_effect(id bigint) RETURNS bigint LANGUAGE sql AS $$ INSERT INTO effects VALUES (id) RETURNING id $$;
		CREATE FUNCTION spread(id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
		DECLARE
			noted jsonb := df_call_activity('note_effect', to_jsonb(id));
		BEGIN
			RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(ARRAY(
				SELECT df_activity('noop', to_jsonb(i)) FROM generate_series(1, 5) AS i))) AS x);
		END $$;
		CREATE FUNCTION steps(id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
		DECLARE
			total jsonb := '0';
		BEGIN
			PERFORM df_sleep('50 ms');
			FOR i IN 1 .. 5 LOOP
				total := df_call_activity('noop', to_jsonb(total::int + i));
			END LOOP;
			RETURN df_call_sub_orchestrator('leaf', total);
		END $$;
		CREATE FUNCTION leaf(n bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT df_call_activity('noop', to_jsonb(n))::bigint $$;
		CREATE FUNCTION waiter(id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
		DECLARE
			event jsonb := df_wait_event('go', '10 minutes');
		BEGIN
			IF event::int < 2 THEN
				PERFORM df_continue_as_new(to_jsonb(id));
			END IF;
			RETURN id;
		END $$;
		SELECT df_register_activity('note_effect'), df_register_orchestrator('spread'), df_register_orchestrator('steps'),
			df_register_orchestrator('leaf'), df_register_orchestrator('waiter');
	}, connstr => $node->connstr('postgres') . ' user=regress_user');
	return;
}

# One transaction: instances of each kind, and the events of those that were begun a while ago.
sub start_some
{
	my $n = int($rate / 14) || 1;
	my ($from, $to) = ($started + 1, $started + $n);
	my ($status) = psql(qq{
		SET ROLE regress_user;
		SELECT df_start('spread', to_jsonb(i), 'spread' || i), df_start('steps', to_jsonb(i), 'steps' || i),
			df_start('waiter', to_jsonb(i), 'waiter' || i), df_raise_event('waiter' || i, 'go', '1'), df_raise_event('waiter' || i, 'go', '2')
		FROM generate_series($from, $to) AS i});

	$started = $to if $status == 0;
	return;
}

sub purge
{
	psql(q{SET ROLE regress_user; SELECT df_purge_before(now() - interval '2 minutes', max_instances => 5000)});
	psql(q{DELETE FROM effects WHERE id < (SELECT max(id) - 100000 FROM effects)});
	return;
}

sub fault
{
	my @kinds = (\&kill_worker, \&stop_worker, \&term_worker, \&cut_connections, \&kill_backend, \&crash_server);

	$kinds[ $faults++ % @kinds ]->();
	return;
}

sub kill_worker
{
	my $victim = int(rand(@workers));

	$workers[$victim]->kill9;
	$workers[$victim] = start_worker($node, name => "victim$victim", wait => 0);
	return;
}

sub stop_worker
{
	my $victim = $workers[ int(rand(@workers)) ];

	$victim->stop;
	sleep(3);
	$victim->cont;
	return;
}

sub term_worker
{
	my $victim = int(rand(@workers));

	push @wrong, "a worker that was told to stop ended with $workers[$victim]{exit}" if $workers[$victim]->term != 0;
	$workers[$victim] = start_worker($node, name => "victim$victim", wait => 0);
	return;
}

sub cut_connections
{
	psql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_worker'});
	return;
}

sub kill_backend
{
	my (undef, $pid) = psql(q{SELECT pid FROM pg_stat_activity WHERE usename = 'regress_worker' ORDER BY random() LIMIT 1});

	kill('KILL', $pid) if $pid =~ /^\d+$/;
	wait_for(sub { return (psql('SELECT 1'))[1] eq '1' }, 'the server after the crash of a backend');
	return;
}

sub crash_server
{
	kill9_server($node);
	# what is left of the killed server may be in the way for a moment
	wait_for(sub { $node->{_pid} = undef; return $node->start(fail_ok => 1) }, 'the server to start again');
	return;
}

# How large the tables are with their indexes; the highest until the next sample counts.
sub measure
{
	my (undef, $bytes) = psql(q{SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'df'::regnamespace AND relkind = 'r'});

	$most_bytes = max($most_bytes, $bytes) if $bytes =~ /^\d+$/;
	return;
}

sub sample
{
	my ($now) = @_;
	my (undef, $doctor) = psql(q{SELECT count(*) FILTER (WHERE severity = 'violation') FROM df.doctor()});
	my (undef, $open) = psql(q{SELECT count(*) FROM df.instances WHERE completed_time IS NULL});
	my (undef, $largest) = psql(q{
		SELECT string_agg(relname || ' ' || pages, ', ' ORDER BY pages DESC)
		FROM (SELECT relname, pg_relation_size(oid) / 8192 AS pages FROM pg_class
			WHERE relnamespace = 'df'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 5) AS relations});

	measure();
	push @samples, { rss => memory_kb($witness), bytes => $most_bytes };
	push @wrong, sprintf('the doctor found %s violations after %d s', $doctor, $now) if $doctor ne '0';
	diag(sprintf('%5d s  %8d started  %6s open  worker %6d kB  tables %6.1f MB  faults %3d  violations %s  pages %s',
		$now, $started * 3, $open, $samples[-1]{rss}, $most_bytes / 1e6, $faults, $doctor, $largest));
	$most_bytes = 0;
	return;
}

# What a process has in memory: all that it had of its files, though a busy machine may take pages of those back.
sub memory_kb
{
	my ($process) = @_;
	my $status = slurp('/proc/' . $process->pid . '/status');
	my %kb = $status =~ /^(RssAnon|RssFile|VmSwap):\s+(\d+)/mg;

	$most_file_kb = max($most_file_kb, $kb{RssFile});
	return $kb{RssAnon} + $kb{VmSwap} + $most_file_kb;
}

sub finish
{
	my $settled = eval { wait_for(sub { return (psql(q{SELECT count(*) FROM df.instances WHERE completed_time IS NULL}))[1] eq '0' }, 'the end of all work'); 1 };

	ok($settled, 'all work ends');
	is((psql(q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Completed'}))[1], '0', 'nothing has failed');
	is((psql(q{SELECT count(*) FROM df.doctor() WHERE severity = 'violation'}))[1], '0', 'the doctor finds no violation');
	is(join("\n", @wrong), '', 'and never did');
	is((psql("SELECT $started - count(*) FROM effects WHERE id > 0"))[1], '0', 'each effect is there once') if $started < 100000;
	check_growth('rss', 'memory of the worker');
	check_growth('bytes', 'size of the tables');
	is($_->term, 0, 'a worker ends well') foreach $witness, @workers;
	diag(sprintf('%d instances started, %d faults', $started * 3, $faults));
	done_testing();
	return;
}

# The highest of the last third may not be more than 5 % above the highest of the middle third.
sub check_growth
{
	my ($what, $name) = @_;
	my $third = int(@samples / 3);
	my @values = map { $_->{$what} } @samples;
	my ($middle, $last) = (max(@values[ $third .. 2 * $third - 1 ]), max(@values[ 2 * $third .. $#values ]));

	cmp_ok($last, '<=', $middle * 1.05, sprintf('%s grows by less than 5 %% (%d, then %d)', $name, $middle, $last));
	return;
}

# (exit status, output); the server may be away.
sub psql
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(
		[ "$ENV{BINDIR}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', $sql ],
		\'', \$out, \$err);
	chomp($out);
	return ($? >> 8, $out =~ s/.*\n//sr);
}
