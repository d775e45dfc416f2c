# The server's clock jumps, forwards and back: timers fire once and never early, work goes on, nothing is done twice.

use strict;
use warnings;

use Pgdf::Test;

my ($library) = glob('/usr/lib/*/faketime/libfaketime.so.1');

plan(skip_all => 'libfaketime is not installed') if !$library;

my $offset = write_file(temp_dir() . '/offset', '+0');
my $node = new_node('main', start => 0);
{
	local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_NO_CACHE FAKETIME_DONT_FAKE_MONOTONIC)} =
	  ($library, $offset, 1, 1);

	$node->start;
}
$node->safe_psql('postgres', q{
	CREATE FUNCTION sleeper(delay interval) RETURNS timestamptz LANGUAGE plpgsql AS $$
	DECLARE
		due timestamptz := df_now() + delay;
	BEGIN
		PERFORM df_sleep_until(due);
		RETURN due;
	END $$;
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 5 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('sleeper'), df_register_orchestrator('steps');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my @workers = map { start_worker($node, name => "worker$_") } 1 .. 2;
my $jump = 0;

df_start($node, 'sleeper', '"1 hour"', id => "hour$_", user => 'regress_user') foreach 1 .. 20;
df_start($node, 'sleeper', '"1 day"', id => "day$_", user => 'regress_user') foreach 1 .. 20;
wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.timers') eq '40' }, 'the timers');

set_clock(-3600);
work('after an hour back');
is(completed('hour'), '0', 'no timer fires because of a jump back');
set_clock(3700);
wait_for(sub { return completed('hour') == 20 }, 'the timers of an hour');
work('after an hour forwards');
is(completed('day'), '0', 'those of a day wait');
set_clock(90000);
wait_for(sub { return completed('day') == 20 }, 'the timers of a day');
work('after a day forwards');
set_clock(0);
work('after a day back');

is($node->safe_psql('postgres', q{
	SELECT count(*) FROM df.instances i, df_history(i.instance_id) h
	WHERE i.name = 'sleeper' AND h.event_type = 'TimerFired' AND h.event_time < (i.output #>> '{}')::timestamptz}),
	'0', 'no timer has fired early');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM df.instances i, df_history(i.instance_id) h WHERE h.event_type = 'TimerFired'}),
	'40', 'each has fired once');
is($node->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT (instance_key, execution, task_id)) FROM df.history WHERE event_type = 5}),
	'0', 'no task has two outcomes');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT severity || ': ' || finding, ', ') FROM df.doctor()}),
	'warning: clock', 'the doctor has noticed the clock, and nothing else');
is($_->term, 0, 'a worker ends well') foreach @workers;

# Seconds beside the true time.
sub set_clock
{
	my ($seconds) = @_;

	write_file("$offset.new", sprintf('%+d', $seconds));
	rename("$offset.new", $offset) or die "could not rename: $!";
	return;
}

sub work
{
	my ($when) = @_;
	my $prefix = 'work' . ++$jump . '_';

	$node->safe_psql('postgres',
		qq{SET ROLE regress_user; SELECT count(df_start('steps', to_jsonb(n), '$prefix' || n)) FROM generate_series(1, 50) AS n});
	wait_for(sub { return completed($prefix) == 50 }, "work $when");
	ok(1, "work goes on $when");
	return;
}

sub completed
{
	my ($prefix) = @_;

	return $node->safe_psql('postgres',
		qq{SELECT count(*) FROM df.instances WHERE starts_with(instance_id, '$prefix') AND runtime_status = 'Completed'});
}

done_testing();
