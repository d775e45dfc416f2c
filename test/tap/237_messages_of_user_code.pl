# What code of a user says to the worker's connection - notices without end, forged progress, notifications - costs the
# worker no memory, gets into no log, and is no progress of anybody else's.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node, args => [ '--log-level', 'debug' ]);
my $as_user = $node->connstr('postgres') . ' user=regress_user';

sub memory_kb
{
	my ($kb) = Pgdf::Process::slurp('/proc/' . $worker->pid . '/status') =~ /^VmRSS:\s+(\d+) kB/m;
	return $kb;
}

$node->safe_psql('postgres', <<'SQL', connstr => $as_user);
CREATE FUNCTION floods(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = debug5;
    LISTEN pgdf_flood;
    FOR i IN 1 .. 20000 LOOP
        RAISE NOTICE 'canary-notice %', repeat('x', 2000);
        RAISE WARNING USING MESSAGE = 'canary-warning', ERRCODE = '01000';
        RAISE INFO USING MESSAGE = format('{"forged": %s}', i), ERRCODE = 'DF100';
        PERFORM df_heartbeat(to_jsonb(i));
    END LOOP;
    RAISE INFO USING MESSAGE = 'no JSON' || E'\n' || '2026-11-23 00:00:00 UTC [1] ERROR:  forged line', ERRCODE = 'DF100';
    RAISE INFO USING MESSAGE = to_jsonb(repeat('y', 1000000))::text, ERRCODE = 'DF100';
    PERFORM pg_notify('pgdf_flood', repeat('z', 7000) || i) FROM generate_series(1, 500) i;
    PERFORM pg_sleep((input ->> 'sleep')::float8);
    RETURN 'done';
END $$;
CREATE FUNCTION runs(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('floods', input); END $$;
CREATE FUNCTION quiet() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('noop', '1'); END $$;
SELECT df_register_activity('floods'), df_register_orchestrator('runs'), df_register_orchestrator('quiet');
SQL

my $before = memory_kb();
my @ids = map { df_start($node, 'runs', '{"sleep": 0.2}', user => 'regress_user') } 1 .. 3;
wait_for_status($node, $_, 'Completed') foreach @ids;
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE output = '"done"'}), 3, 'activities that flood come to their end');
cmp_ok(memory_kb() - $before, '<', memory_limit_kb() / 2, 'and cost the worker no memory');
my $id = df_start($node, 'quiet', undef, user => 'regress_user');
wait_for_status($node, $id, 'Completed');
unlike($worker->log, qr/canary|forged|zzzz/, 'nothing of it is in its log');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df_waits()'), 0, 'nothing is left');
is($worker->term, 0, 'the worker ends well');
done_testing();
