# 32 clients start, replace, raise, suspend, resume, terminate, rewind and purge 4 instances that 2 workers run: no deadlock.

use strict;
use warnings;

use Pgdf::Test;

my $seconds = $ENV{PGDF_STORM_SECONDS} // 5;
my $rate = $ENV{PGDF_STORM_RATE} // 500;    # requests a second: what is asked for must also be done, one after the other
my $node = new_node('main', conf => "deadlock_timeout = '50ms'\npgdf.lease = '2s'\n");
my @workers = map { start_worker($node, name => "storm$_", args => [ '--connections', 4 ]) } 1 .. 2;

$node->safe_psql('postgres', q{
	CREATE TABLE surprises (code text, message text);
	CREATE FUNCTION busy(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		tasks df_task[] := ARRAY(SELECT df_activity('noop', to_jsonb(i)) FROM generate_series(1, n) i);
		child df_task := df_sub_orchestrator('little', '1');
	BEGIN
		PERFORM df_when_any(df_all(tasks || child), df_event('hurry'), df_timer('50 ms'));
		IF n % 5 = 0 THEN
			RAISE 'no' USING ERRCODE = 'P0001';
		ELSIF n > 3 THEN
			PERFORM df_continue_as_new(to_jsonb(n - 1));
		END IF;
		RETURN to_jsonb(n);
	END $$;
	CREATE FUNCTION little(n int) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('noop'); END $$;
	SELECT df_register_orchestrator('busy'), df_register_orchestrator('little');
	CREATE FUNCTION act(what int, id text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		CASE what
			WHEN 0 THEN PERFORM df_start('busy', to_jsonb(3 + what + (random() * 12)::int), id, if_exists => 'replace');
			WHEN 1 THEN PERFORM df_start('busy', '8', id, if_exists => 'ignore');
			WHEN 2 THEN PERFORM df_start('busy', '4', id);
			WHEN 3 THEN PERFORM df_raise_event(id, 'hurry');
			WHEN 4 THEN PERFORM df_suspend(id);
			WHEN 5 THEN PERFORM df_resume(id);
			WHEN 6 THEN PERFORM df_terminate(id);
			WHEN 7 THEN PERFORM df_rewind(id);
			WHEN 8 THEN PERFORM df_purge(id);
			ELSE PERFORM df_restart(id, id);
		END CASE;
	EXCEPTION WHEN OTHERS THEN
		-- unknown, live, final, taken: the usual answers
		IF SQLSTATE NOT IN ('42704', '42710', '55000') THEN
			INSERT INTO surprises VALUES (SQLSTATE, SQLERRM);
		END IF;
	END $$;
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $script = write_file(temp_dir() . '/storm.sql',
	"\\set what random(0, 9)\n\\set id random(1, 4)\nSELECT act(:what, 'i' || :id);\n");

$node->command_ok(
	[ 'pgbench', '-n', '-c', 32, '-j', 2, '-T', $seconds, '-R', $rate, '-f', $script, '-U', 'regress_user', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'32 clients came to their end');

is($node->safe_psql('postgres', q{SELECT code || ' ' || message, count(*) FROM surprises GROUP BY 1}), '', 'no client saw another error than the usual ones');
unlike(slurp($node->logfile), qr/deadlock detected|could not serialize/, 'the server saw no deadlock');
unlike($_->log, qr/SQLSTATE: +40/, 'nor did ' . $_->name) foreach @workers;

# everything comes to an end: what was terminated stays so
$node->safe_psql('postgres', 'SELECT df_resume(instance_id), df_terminate(instance_id) FROM df.instances WHERE completed_time IS NULL');
wait_for(sub { return $node->safe_psql('postgres', q{SELECT NOT EXISTS (SELECT FROM df.instance_state WHERE completed_at IS NULL)
	AND NOT EXISTS (SELECT FROM df.inbox)}) eq 't' }, 'the end', 180);
is($node->safe_psql('postgres', q{SELECT * FROM df.doctor(true, settle => '0') WHERE severity = 'violation'}), '', 'df.doctor finds nothing');
is($_->term, 0, 'a worker stops') foreach @workers;
done_testing();
