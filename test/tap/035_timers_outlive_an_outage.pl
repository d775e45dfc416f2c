# Timers, a time-out and a scheduled start that come due while the server, or every worker, is down fire when they are back: late, once, never early.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION sleeper(delay interval) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		begun timestamptz := df_now();
	BEGIN
		PERFORM df_sleep(delay);
		RETURN jsonb_build_object('slept', extract(epoch FROM df_now() - begun), 'early', df_now() < begun + delay);
	END $$;
	CREATE FUNCTION listener(timeout interval) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN coalesce(df_wait_event('e', timeout), '"timed out"');
	END $$;
	CREATE FUNCTION ends() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
	SELECT FROM unnest('{sleeper,listener,ends}'::text[]) AS f, df_register_orchestrator(f);
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);

# with everything up: soon after it is due, whatever else is going on
foreach my $delay (qw(0.2 1 2.5))
{
	df_start($node, 'sleeper', qq("$delay s"), id => "up $delay", user => 'regress_user');
}
foreach my $delay (qw(0.2 1 2.5))
{
	wait_for_status($node, "up $delay", 'Completed');
	my $slept = output("up $delay", 'slept');
	cmp_ok($slept, '>=', $delay, "a timer of $delay s is not early");
	cmp_ok($slept, '<', $delay + 2, '... and not late');
}

# the server goes down, crashing, before they are due, and comes back later
foreach my $i (1 .. 20)
{
	df_start($node, 'sleeper', '"8 s"', id => "down $i", user => 'regress_user');
}
df_start($node, 'listener', '"8 s"', id => 'timeout', user => 'regress_user');
$node->safe_psql('postgres', q{SELECT df_start('ends', NULL, 'scheduled', start_at => clock_timestamp() + interval '8 s')},
	connstr => $node->connstr('postgres') . ' user=regress_user');
df_start($node, 'sleeper', '"1 h"', id => 'far', user => 'regress_user');
wait_for_event($node, $_, 'TimerCreated') foreach 'far', 'timeout', map { "down $_" } 1 .. 20;
is(df_status($node, 'scheduled'), 'Pending', 'the scheduled one waits');

my $down = time();

kill9_server($node);
wait_for(sub { return time() > $down + 10 }, 'the timers to be overdue');
$node->start;
wait_for_status($node, "down $_", 'Completed') foreach 1 .. 20;
wait_for_status($node, $_, 'Completed') foreach 'timeout', 'scheduled';
is($node->safe_psql('postgres', q{SELECT count(*), bool_or((output -> 'early')::boolean), min((output ->> 'slept')::numeric) > 9
	FROM df.instances WHERE instance_id LIKE 'down %'}), '20|f|t', 'they have fired, late');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT i.instance_id)
	FROM df.instances i, df_history(i.instance_id) h WHERE i.instance_id LIKE 'down %' AND event_type = 'TimerFired'}), '20|20', '... each once');
is($node->safe_psql('postgres', q{SELECT output FROM df_status('timeout')}), '"timed out"', 'so has the time-out');
is(df_status($node, 'far'), 'Running', 'one that is not due has not');

# no worker at all
$worker->kill9;
df_start($node, 'sleeper', '"1 s"', id => 'nobody', user => 'regress_user');
$worker = start_worker($node, name => 'second');
wait_for_event($node, 'nobody', 'TimerCreated');
$worker->kill9;
wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.timers WHERE fire_at < clock_timestamp()') == 1 }, 'a timer to be overdue');
is(df_status($node, 'nobody'), 'Running', 'nothing happens without a worker');
$worker = start_worker($node, name => 'third');
wait_for_status($node, 'nobody', 'Completed');
is(output('nobody', 'early'), 'false', 'the next worker finds it');
is($worker->term, 0, 'the worker ends well');

sub output
{
	my ($id, $key) = @_;

	return $node->safe_psql('postgres', "SELECT output ->> '$key' FROM df_status('$id')");
}

done_testing();
