# A worker is killed while activities run: another one takes over in time, and every task has one outcome.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();

# the command notes every start, and ends when the test says so
my %config = (exec => { Hold => { argv => [ '/bin/sh', '-c',
	qq{sleep 600 >/dev/null 2>&1 & echo \$! >> $dir/sleeping; echo "\$PGDF_IDEMPOTENCY_KEY" >> $dir/starts;}
	  . qq{ while ! test -e $dir/go; do sleep 0.01; done; cat} ] } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION hold_all(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity('Hold', to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	SELECT df_register_orchestrator('hold_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node, config => \%config);
my $id = df_start($node, 'hold_all', '10', user => 'regress_user');

wait_for(sub { return starts() == 10 }, 'ten commands to run');

my @commands = commands();
my @started = split(/\n/, slurp("$dir/sleeping"));

is(scalar(@commands), 10, 'ten commands run');
is(scalar(grep { is_alive($_) } @started), 10, 'and ten processes that they have started');
my $rescuer = start_worker($node, name => 'other', config => \%config);
my $killed = time();

$worker->kill9;
wait_for(sub { return starts() >= 20 }, 'the tasks to be taken over');
cmp_ok(time() - $killed, '<', bar(2.5), 'takeover is quick');
wait_for(sub { return !grep { is_alive($_) } @commands, @started }, 'the end of what the worker has started');
ok(1, 'no command of the dead worker lives on, nor what it has started');

write_file("$dir/go", '');
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '55', 'the result is right');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskCompleted'"),
	'10', 'each task was recorded once');
is(scalar(keys %{ { map { $_ => 1 } split(/\n/, slurp("$dir/starts")) } }), 10,
	'each task kept its idempotency key');

sub starts { return scalar(split(/\n/, slurp("$dir/starts"))); }

sub commands
{
	# leaders of their groups: a shell that is about to become "sleep" still has the same command line
	return grep { slurp("/proc/$_/cmdline") =~ m!\Q$dir/starts\E! && getpgrp($_) == $_ } map { m!/proc/(\d+)$! } glob('/proc/[0-9]*');
}

# a zombie that waits for its new parent is gone
sub is_alive { return slurp("/proc/$_[0]/stat") =~ /\) [^ZX] /; }

doctor_finds_nothing($node);
done_testing();
