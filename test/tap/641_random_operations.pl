# Random operations on 14 instances of every kind, while workers are killed and connections ended: all of them come to
# their end, no call fails with an unexpected error, and the doctor finds nothing.

use strict;
use warnings;

use Pgdf::Process;
use Pgdf::Test;
use Time::HiRes qw(time);

my $seconds = $ENV{PGDF_STORM_SECONDS} // 8;
my $seed = $ENV{PGDF_TEST_SEED} // int(time() * 1000) % 1000000007;
my $node = new_node('main', conf => join("\n", q{log_line_prefix = '%m [%p] %e %q%u '}, q{deadlock_timeout = '50ms'},
	q{pgdf.lease = '2s'}, q{pgdf.max_deliveries = 1000}, q{autovacuum_naptime = '1s'}, ''));
my $workers = 0;
my @workers = map { worker() } 1 .. 2;

srand($seed);
note("PGDF_TEST_SEED=$seed");
$node->safe_psql('postgres', q{
	CREATE TABLE surprises (code text, message text, what int);
	CREATE FUNCTION adds(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		IF random() < 0.04 THEN
			PERFORM df_fail('Chance', 'it was not to be', random() < 0.8);
		END IF;
		RETURN n + 1;
	END $$;
	CREATE FUNCTION bounded(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n + 1; END $$;
	CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.03 * random()); RETURN n + 1; END $$;
	SELECT df_register_activity('adds', 'adds'), df_register_activity('bounded', 'bounded'), df_register_activity('slow', 'slow');

	CREATE FUNCTION chain(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := '0';
	BEGIN
		FOR i IN 1 .. 24 LOOP
			total := df_call_activity(CASE WHEN i % 3 = n % 3 THEN 'adds' ELSE 'noop' END, total);
			IF i % 8 = 0 THEN
				PERFORM df_record(total), df_now();
			END IF;
		END LOOP;
		RETURN total;
	END $$;
	CREATE FUNCTION fans(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_when_any(
			df_all(ARRAY(SELECT df_activity(CASE i % 4 WHEN 0 THEN 'bounded' WHEN 1 THEN 'slow' ELSE 'noop' END, to_jsonb(i)) FROM generate_series(1, 20) i)),
			df_event('hurry'), df_timer('50 ms'));
		IF n > 0 THEN
			PERFORM df_continue_as_new(to_jsonb(n / 2));
		END IF;
		RETURN '"done"';
	END $$;
	CREATE FUNCTION maps(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		inputs jsonb := (SELECT jsonb_agg(i) FROM generate_series(1, 60 + n % 10) i);
		map df_task := df_map(CASE n % 4 WHEN 0 THEN 'noop' WHEN 1 THEN 'adds' WHEN 2 THEN 'slow' ELSE 'bounded' END, inputs,
			max_in_flight => CASE n % 3 WHEN 0 THEN 1 + n WHEN 1 THEN NULL ELSE 64 END, retry => df_retry(2 + n % 2, '10 ms'));
	BEGIN
		IF n % 5 = 0 THEN
			PERFORM df_when_any(map, df_timer('40 ms'), df_event('hurry'));
			RETURN '"some"';
		END IF;
		RETURN (SELECT jsonb_build_array(count(result), count(failure)) FROM df_map_results(map));
	END $$;
	CREATE FUNCTION picky(n int) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_map('adds', '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]'); END $$;
	CREATE FUNCTION families(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		retry jsonb := df_retry(1 + n % 4, CASE n % 3 WHEN 0 THEN interval '0' ELSE '20 ms' END);
	BEGIN
		RETURN to_jsonb(df_when_all(
			df_sub_orchestrator('chain', to_jsonb(n), 'i' || (n % 14 + 1), retry => retry),
			df_sub_orchestrator('picky', to_jsonb(n), retry => retry),
			df_sub_orchestrator('fans', to_jsonb(n % 4), retry => retry)));
	END $$;
	CREATE FUNCTION listens(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 6 LOOP
			PERFORM df_when_any(df_event('hurry'), df_event('rare'), df_timer('100 ms'));
			PERFORM df_start('chain', to_jsonb(n), 'i' || ((n + i) % 14 + 1), if_exists => CASE i % 2 WHEN 0 THEN 'ignore' ELSE 'replace' END);
			PERFORM df_raise_event('i' || ((n + 2 * i) % 14 + 1), 'hurry');
		END LOOP;
		IF n % 4 = 0 THEN
			PERFORM df_continue_as_new(to_jsonb(n + 1), keep_events => n % 8 = 0);
		END IF;
		RETURN '"heard"';
	END $$;
	SELECT df_register_orchestrator(name, (name || '(int)')::regprocedure) FROM unnest('{chain,fans,maps,picky,families,listens}'::text[]) name;
	SELECT df_limit('bounded', max_running => 3, rate => 500);

	CREATE FUNCTION act(what int, id text, n int) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		name text := (ARRAY['chain', 'fans', 'maps', 'picky', 'families', 'listens'])[1 + n % 6];
	BEGIN
		CASE what
			WHEN 0 THEN PERFORM df_start(name, to_jsonb(n), id, if_exists => 'replace');
			WHEN 1, 2 THEN PERFORM df_start(name, to_jsonb(n), id, if_exists => 'ignore');
			WHEN 3 THEN PERFORM df_start(name, to_jsonb(n), id);
			WHEN 4 THEN PERFORM df_raise_event(id, 'hurry', to_jsonb(n));
			WHEN 5 THEN PERFORM df_suspend(id);
			WHEN 6, 7 THEN PERFORM df_resume(id);
			WHEN 8 THEN PERFORM df_terminate(id, recursive => n % 3 > 0);
			WHEN 9, 10 THEN PERFORM df_rewind(id);
			WHEN 11 THEN PERFORM df_purge(id);
			WHEN 12 THEN PERFORM df_restart(id, CASE WHEN n % 2 = 0 THEN id END);
			WHEN 13 THEN PERFORM df_limit('bounded', CASE WHEN n % 2 = 0 THEN n % 5 END, CASE WHEN n % 3 > 0 THEN 100 + n END);
			WHEN 14 THEN PERFORM df_start(name, to_jsonb(n), id, if_exists => 'ignore', start_at => now() + interval '80 ms');
			WHEN 15 THEN PERFORM FROM df_status(id), df_waits(id), df_tree(id), df_history(id);
			WHEN 16 THEN PERFORM df_start(name, to_jsonb(n)), df_raise_event(id, 'rare');
		END CASE;
		IF n % 10 = 0 THEN
			RAISE 'rolled back' USING ERRCODE = '55000';
		END IF;
	EXCEPTION WHEN OTHERS THEN
		-- unknown, live, final, taken, locked: the usual answers
		IF SQLSTATE NOT IN ('42704', '42710', '55000', '55P03') THEN
			INSERT INTO surprises VALUES (SQLSTATE, SQLERRM, what);
		END IF;
	END $$;
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $script = write_file(temp_dir() . '/storm.sql',
	"\\set what random(0, 16)\n\\set id random(1, 14)\n\\set n random(0, 59)\n\\sleep 20 ms\nSELECT act(:what, 'i' || :id, :n);\n");
my $storm = Pgdf::Process->start(log => temp_dir() . '/storm.log', argv => [ 'pgbench', '-n', '-c', 4, '-T', $seconds,
	"--random-seed=$seed", '-f', $script, '-U', 'regress_user', '-h', $node->host, '-p', $node->port, 'postgres' ]);
my $end = time() + $seconds;

while (time() < $end)
{
	my $what = int(rand(10));

	Time::HiRes::sleep(0.05 + rand(0.4));
	if ($what == 0)
	{
		my $i = int(rand(@workers));

		$workers[$i]->kill9;
		$workers[$i] = worker();
	}
	elsif ($what < 3) { $node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_worker' ORDER BY random() LIMIT 1}); }
	elsif ($what == 3) { $node->psql('postgres', 'REINDEX TABLE CONCURRENTLY df.' . (qw(tasks history instance_state))[rand(3)]); }
	elsif ($what == 4) { $node->safe_psql('postgres', 'VACUUM (ANALYZE) df.tasks, df.history, df.instance_state, df.inbox'); }
	elsif ($what == 5) { $node->psql('postgres', "SELECT count(df_redrive(instance_id)), count(df_repin(instance_id)) FROM df.instances"); }
	elsif ($what == 6) { $node->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_worker' AND state = 'active' ORDER BY random() LIMIT 1}); }
}
is($storm->wait_exit(60), 0, 'the clients came to their end') or diag(slurp(temp_dir() . '/storm.log'));
is($node->safe_psql('postgres', q{SELECT code || ' ' || message, what, count(*) FROM surprises GROUP BY 1, 2}), '', 'no client saw another error than the usual ones');

# everything comes to an end, as soon as it may and hears what it waits for
$node->safe_psql('postgres', q{SELECT df_limit('bounded'); SELECT df_resume(instance_id) FROM df.instances WHERE completed_time IS NULL});
my $is_over = Pgdf::Process::poll(sub {
	# one that has ended meanwhile is an error
	$node->psql('postgres', q{SELECT count(df_raise_event(instance_id, 'hurry')) FROM df.instances WHERE completed_time IS NULL AND name = 'listens'});
	return $node->safe_psql('postgres', q{SELECT NOT EXISTS (SELECT FROM df.instance_state WHERE completed_at IS NULL)
		AND NOT EXISTS (SELECT FROM df.inbox)}) eq 't';
}, $ENV{PGDF_STORM_CALM} // 120);

ok($is_over, 'all instances came to their end') or diag($node->safe_psql('postgres', q{
	SELECT instance_id, name, runtime_status, blocked_reason, (SELECT string_agg(concat_ws(' ', w.task_id, w.kind, w.name, w.due), '; ') FROM df_waits(instance_id) w)
	FROM df.instances WHERE completed_time IS NULL LIMIT 20}), $node->safe_psql('postgres', 'SELECT * FROM df.inbox LIMIT 5'));
is($node->safe_psql('postgres', q{SELECT * FROM df.doctor(true, settle => '0') WHERE severity = 'violation'}), '', 'df.doctor finds nothing');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks t WHERE state < 3'), '0', 'no task is left');
is(join("\n", unexpected_errors()), '', 'no unexpected error');
is($_->term, 0, 'a worker stops') foreach @workers;
done_testing();

sub worker
{
	$workers++;
	return start_worker($node, name => "storm$workers", args => [ '--connections', 2 ]);
}

# Errors of workers' calls, and of anybody's of a class that nothing should raise.
sub unexpected_errors
{
	return grep { !/ (57P01|57014|55000|08006|DF\w\w\w) / } grep { / regress_worker .*(ERROR|FATAL|PANIC)|\] XX|could not advance|PANIC|deadlock/ } split(/\n/, slurp($node->logfile));
}
