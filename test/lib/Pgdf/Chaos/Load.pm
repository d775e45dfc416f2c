# test/lib/Pgdf/Chaos/Load.pm: what the chaos driver runs, and how each instance must end.
#
# About so many activities as asked for: fan-outs, chains, SQL activities, timers, events, children, continue-as-new,
# retries, activities that may run once, instances that are terminated, rewound, suspended.

package Pgdf::Chaos::Load;

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(shuffle sum);

our @EXPORT_OK = qw(load_sql load_plan exec_settings);

# Orchestrators, and the table of the SQL activities' effects.
sub load_sql
{
	return <<'SQL';
CREATE TABLE effects (key text NOT NULL);
GRANT ALL ON effects TO PUBLIC;
CREATE FUNCTION effect(input text) RETURNS int LANGUAGE sql AS
	$$ INSERT INTO effects VALUES (input); SELECT split_part(input, ':', 2)::int $$;
CREATE FUNCTION slow_effect(input text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO effects VALUES (input);
	PERFORM pg_sleep(0.03);
	RETURN split_part(input, ':', 2)::int;
END $$;
CREATE FUNCTION step(activity text, n int, retry jsonb DEFAULT NULL) RETURNS df_task LANGUAGE sql AS
	$$ SELECT df_activity(activity, to_jsonb(df_instance_id() || ':' || n || ':' || n * 7 % 51), retry) $$;

CREATE FUNCTION fan(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(ARRAY(SELECT step('Step', i) FROM generate_series(1, n) i))) x);
END $$;
CREATE FUNCTION plain(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
		ARRAY(SELECT df_activity('noop', to_jsonb(i)) FROM generate_series(1, n) i))) x);
END $$;
CREATE FUNCTION chain(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		total := total + df_await(step('Step', i))::bigint;
	END LOOP;
	RETURN total;
END $$;
CREATE FUNCTION in_sql(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		total := total + df_await(step('effect', i))::bigint;
	END LOOP;
	RETURN total + (SELECT sum(x::bigint) FROM unnest(df_when_all(
		ARRAY(SELECT step('slow_effect', i) FROM generate_series(n + 1, n + n / 10) i))) x);
END $$;
CREATE FUNCTION sleeps(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM df_sleep('50 ms');
		total := total + df_await(step('Step', i))::bigint;
	END LOOP;
	RETURN total;
END $$;
CREATE FUNCTION listens(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
	event jsonb;
BEGIN
	FOR i IN 1 .. n LOOP
		event := df_wait_event('number');
		total := total + event::bigint + 0 * df_await(step('Step', i))::bigint;
	END LOOP;
	RETURN total;
END $$;
CREATE FUNCTION generations(input jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := (input ->> 'total')::bigint + df_wait_event('number')::bigint;
	n int := (input ->> 'n')::int;
BEGIN
	PERFORM df_await(step('Step', n));
	IF n = 1 THEN
		RETURN total;
	END IF;
	PERFORM df_continue_as_new(jsonb_build_object('n', n - 1, 'total', total));
END $$;
CREATE FUNCTION relatives(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(ARRAY(
		SELECT df_sub_orchestrator('chain', '3', df_instance_id() || '.' || i) FROM generate_series(1, n) i))) x);
END $$;
CREATE FUNCTION stubborn(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
		ARRAY(SELECT step('Flaky', i, df_retry(50, '20 ms', 1.2, '200 ms')) FROM generate_series(1, n) i))) x);
END $$;
CREATE FUNCTION once(n int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	tasks df_task[] := ARRAY(SELECT step('Once', i, df_retry(1)) FROM generate_series(1, n) i);
BEGIN
	PERFORM df_when_all_settled(tasks);
	RETURN 'settled';
END $$;
CREATE FUNCTION doomed(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM df_when_all(ARRAY(SELECT step('Step', i) FROM generate_series(1, n) i) || df_event('never'));
	RETURN 0;
END $$;
CREATE FUNCTION mends(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	total bigint := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		total := total + df_await(step(CASE WHEN i = 2 THEN 'Fixable' ELSE 'Step' END, i))::bigint;
	END LOOP;
	RETURN total;
END $$;
SELECT df_register_orchestrator(f) FROM unnest('{fan,plain,chain,in_sql,sleeps,listens,generations,relatives,stubborn,once,
	doomed,mends}'::text[]) f;
SELECT df_register_activity(f) FROM unnest('{effect,slow_effect}'::text[]) f;
SQL
}

# The worker's commands; $step is the program made of test/chaos/step.c.
sub exec_settings
{
	my ($step, $log, $marks, $worker) = @_;
	my %common = (env => ["CHAOS_WORKER=$worker"]);

	return {
		Step => { argv => [ $step, $log ], %common },
		Once => { argv => [ $step, $log ], %common },
		Flaky => { argv => [ $step, $log, 'flaky' ], %common },
		Fixable => { argv => [ $step, $log, 'fixable', $marks ], %common } };
}

# For about $tasks activities: ({id => {output or status, effects}}, operations of the client).
sub load_plan
{
	my ($tasks) = @_;
	my $share = sub { my ($part, $each) = @_; my $n = int($tasks * $part / $each + 0.5); return $n || 1; };
	my $sum = sub { return $_[0] * ($_[0] + 1) / 2; };
	my $width = $tasks < 4000 ? 100 : 400;
	my (%instances, @begin, @later);

	# kind, how many, size, result
	foreach my $row (
		[ 'fan', $share->(0.32, $width), $width, $sum->($width) ],
		[ 'plain', $share->(0.28, 2 * $width), 2 * $width, $sum->(2 * $width) ],
		[ 'chain', $share->(0.06, 40), 40, $sum->(40) ],
		[ 'in_sql', $share->(0.11, 55), 50, $sum->(55) ],
		[ 'sleeps', $share->(0.015, 5), 5, $sum->(5) ],
		[ 'listens', $share->(0.03, 10), 10, $sum->(10) ],
		[ 'generations', $share->(0.02, 10), '{"n": 10, "total": 0}', $sum->(10) ],
		[ 'relatives', $share->(0.045, 45), 15, 15 * 6 ],
		[ 'stubborn', $share->(0.02, 100), 100, $sum->(100) ],
		[ 'once', $share->(0.02, 50), 50, '"settled"' ],
		[ 'doomed', $share->(0.05, 50), 50, undef ],
		[ 'mends', $share->(0.008, 4), 4, $sum->(4) ],
		[ 'waits', $share->(0.02, 20), 20, $sum->(20) ])
	{
		my ($kind, $count, $size, $output) = @{$row};

		foreach my $i (1 .. $count)
		{
			my $id = "$kind-$i";
			my $role = $i % 2 ? 'regress_user' : 'regress_other';
			my $name = $kind eq 'waits' ? 'chain' : $kind;
			my $operation = sub {
				my ($note, $sql, $after) = @_;
				return { role => $role, note => $note, sql => $sql, after => $after };
			};

			$instances{$id} = { kind => $kind, output => $output, effects => $kind eq 'in_sql' ? 55 : 0 };
			push @begin, $operation->("start $id", "SELECT df_start('$name', '$size', '$id', if_exists => 'ignore')");
			push @later, map {
				$operation->("event $id $_", "SELECT df_raise_event('$id', 'number', '$_', 'event-$_')::text", "start $id")
			} 1 .. 10 if $kind eq 'listens' || $kind eq 'generations';
			push @later, $operation->("terminate $id",
				"SELECT df_terminate('$id', 'chaos') OR runtime_status = 'Terminated' FROM df_status('$id')", "start $id")
			  if $kind eq 'doomed';
			push @later, $operation->("rewind $id",
				"SELECT df_rewind('$id', 'chaos') OR runtime_status = 'Completed' FROM df_status('$id')", "start $id")
			  if $kind eq 'mends';
			push @later, $operation->("suspend $id",
				"SELECT df_suspend('$id', 'chaos') OR runtime_status IN ('Suspended', 'Completed') FROM df_status('$id')",
				"start $id"),
			  $operation->("resume $id",
				"SELECT df_resume('$id') OR runtime_status <> 'Suspended' FROM df_status('$id')", "suspend $id")
			  if $kind eq 'waits';
		}
	}
	return (\%instances, mix([ shuffle(@begin) ], [ shuffle(@later) ]));
}

# The starts spread among the rest, which has an order of its own.
sub mix
{
	my ($begin, $later) = @_;
	my @all = @{$later};
	my $n = @{$begin};

	foreach my $i (reverse 0 .. $n - 1)
	{
		splice(@all, int($i * @{$later} / $n), 0, $begin->[$i]);
	}
	return @all;
}

1;
