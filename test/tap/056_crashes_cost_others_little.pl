# Activities that crash every time cost what runs beside them at most a twentieth of its rate.
#
# The same work is done again and again, alone and beside the crashes in turn, and medians are compared.  The crashes may
# take a twentieth of one processor: of the worker, its children and the server together.  The rate itself is held to on
# a machine that is otherwise idle (PGDF_TEST_STRICT=1); on a busy one it says nothing.

use strict;
use warnings;

use List::Util qw(max sum0);
use Pgdf::Plugin;
use Pgdf::Test;
use POSIX ();

my $rounds = $ENV{PGDF_TEST_STRICT} ? 15 : 6;
my $time_limit = $ENV{PGDF_TEST_STRICT} ? 0 : 100;
my $node = new_node('main');
my $dir = temp_dir();

chmod(0755, $dir);
compile($dir, 'misbehave');
compile($dir, 'calm', q{
	#include <pgdf_activity.h>
	static void echo(PgdfContext *context) { context->complete(context, context->input, context->input_length); }
	static const PgdfActivity activities[] = {{"Calm", echo}};
	PGDF_PLUGIN(activities);
});
my $worker = start_worker($node, args => [ '--max-activities', 40 ], config => {
	'plugin-dir' => $dir,
	plugins => { misbehave => { processes => 2 }, calm => { processes => 2 } },
	exec => { CrashingCommand => { argv => [ '/bin/sh', '-c', 'kill -SEGV $$' ] }, Command => { argv => ['/bin/cat'] } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION others(id int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity(CASE WHEN i % 50 = 0 THEN 'Command' WHEN i % 2 = 0 THEN 'noop' ELSE 'Calm' END, to_jsonb(i))
				FROM generate_series(1, 250) i))) x);
	END $$;
	CREATE FUNCTION poison(name text, delay float8) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_call_activity(name, retry => jsonb_build_object('max_attempts', 30000, 'first_delay', delay));
	END $$;
	SELECT df_register_orchestrator('others'), df_register_orchestrator('poison');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $user = $node->connstr('postgres') . ' user=regress_user';
my ($began, $n, $crashes, $instances) = (time(), 0, 0, 4);
my (@alone, @beside);

# rounds of a second or more: shorter ones see hardly a crash
work();
$instances = max(4, int(4 / work()->{seconds}));
while (@alone < $rounds || (processor_share() > 0.05 && time() - $began < $time_limit))
{
	push @alone, map { work() } 1 .. 3;
	start_crashes();
	my $before = crashes();

	push @beside, map { work() } 1 .. 3;
	$crashes += crashes() - $before;
	end_crashes();
}
diag(sprintf('%d rounds of each, %d crashes; alone %.3f s, %.3f of them on a processor; beside %.3f s, %.3f',
	scalar(@alone), $crashes, map { median('seconds', @{$_}), median('processor', @{$_}) } \@alone, \@beside));
diag(sprintf('%.1f %% of the rate is lost, %.1f %% of one processor', 100 * lost_rate(), 100 * processor_share()));
cmp_ok($crashes, '>=', @beside / 3, 'something crashes all the time');
cmp_ok(processor_share(), '<=', 0.05, 'and takes little processor time');
cmp_ok(lost_rate(), '<=', 0.05, 'and little of the rate of others') if $ENV{PGDF_TEST_STRICT};
ok($worker->is_running, 'the worker lives');
done_testing();

# What instances of 250 activities each take, in seconds, and in processor seconds with all that goes on meanwhile.
sub work
{
	my $ids = join(', ', map { "'others" . ++$n . "'" } 1 .. $instances);
	my $before = processor();

	$node->safe_psql('postgres', "SELECT df_start('others', '1', id) FROM unnest(ARRAY[$ids]) id", connstr => $user);
	$node->safe_psql('postgres', "SELECT df_result(id, '60 s') FROM unnest(ARRAY[$ids]) id", connstr => $user);
	return { processor => processor() - $before, seconds => $node->safe_psql('postgres',
		"SELECT extract(epoch FROM max(completed_at) - min(created_at)) FROM df.instance_state WHERE instance_id IN ($ids)") };
}

# Processor seconds of the worker, the server, and all processes that they have started.
sub processor
{
	my (%ticks, %children);

	foreach my $stat (map { slurp($_) } glob('/proc/[0-9]*/stat'))
	{
		# after the name: state, parent, ...; times are fields 14 to 17, of itself and of children that were waited for
		my ($pid, $rest) = $stat =~ /^(\d+) \(.*\) (.*)/s or next;
		my @fields = split(/ /, $rest);

		$ticks{$pid} = sum0(@fields[ 11 .. 14 ]);
		push @{ $children{ $fields[1] } }, $pid;
	}
	my @family = ($worker->pid, slurp($node->data_dir . '/postmaster.pid') =~ /^(\d+)/);

	for (my $i = 0; $i < @family; $i++) { push @family, @{ $children{ $family[$i] } // [] }; }
	return sum0(map { $ticks{$_} // 0 } @family) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# Four activities of a plugin, whose processes are started again when the worker thinks fit, and four commands, which are
# tried again when their retry policy says.  Returns when the worker has seen that they do it all the time.
sub start_crashes
{
	my $before = crashes();

	$node->safe_psql('postgres', q{
		SELECT df_start('poison', '{"name": "Crash", "delay": 0}') FROM generate_series(1, 4);
		SELECT df_start('poison', '{"name": "CrashingCommand", "delay": 1}') FROM generate_series(1, 4)}, connstr => $user);
	wait_for(sub { crashes() - $before >= 16 }, 'crashes');
	return;
}

sub end_crashes
{
	$node->safe_psql('postgres', q{SELECT df_terminate(instance_id) FROM df.instances WHERE name = 'poison' AND completed_time IS NULL}, connstr => $user);
	wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks') eq '0' }, 'the end of the crashes');
	return;
}

sub crashes { return $node->safe_psql('postgres', q{SELECT coalesce(sum(attempts), 0) FROM df.tasks WHERE name LIKE 'Crash%'}); }

sub median
{
	my ($what, @rounds) = @_;

	return (sort { $a <=> $b } map { $_->{$what} } @rounds)[ @rounds / 2 ];
}

sub lost_rate { return @beside ? 1 - median('seconds', @alone) / median('seconds', @beside) : 1; }

# What the crashes take; it depends on time, and not on how fast the others are.
sub processor_share
{
	return 1 if !@beside;
	return (median('processor', @beside) - median('processor', @alone)) / median('seconds', @beside);
}
