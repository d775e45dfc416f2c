# What code of a user says to the worker's connection - notices without end or of any size, errors of any size, forged
# progress, notifications - costs the worker no memory, gets into no log, and is no progress of anybody else's.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "log_min_messages = fatal\n"); # the server's log need not hold it either
my $worker = start_worker($node, args => [ '--log-level', 'debug' ]);
my $as_user = $node->connstr('postgres') . ' user=regress_user';

sub memory_kb
{
	my ($kb) = Pgdf::Process::slurp('/proc/' . $worker->pid . '/status') =~ /^VmHWM:\s+(\d+) kB/m;
	return $kb;
}

sub df_raise
{
	my ($id) = @_;

	return $node->safe_psql('postgres', "SELECT df_raise_event('$id', 'go')");
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
-- one message of 40 MB, of each kind and in each place
CREATE FUNCTION shouts(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    shout text := repeat('canary-shout', 3400000);
BEGIN
    SET LOCAL client_min_messages = debug5;
    CASE input ->> 'how'
        WHEN 'notice' THEN RAISE NOTICE '%', shout;
        WHEN 'info' THEN RAISE INFO USING MESSAGE = shout, ERRCODE = 'DF100';
        WHEN 'warning' THEN RAISE WARNING USING MESSAGE = 'w', DETAIL = shout;
        WHEN 'statement' THEN EXECUTE 'DO ''BEGIN RAISE WARNING $w$w$w$; END'' -- ' || shout;
        WHEN 'error' THEN RAISE EXCEPTION '%', shout;
        WHEN 'transient' THEN RAISE EXCEPTION USING MESSAGE = shout, HINT = shout, ERRCODE = '40001';
    END CASE;
    RETURN input ->> 'how';
END $$;
CREATE FUNCTION shouted(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_text(df_call_activity('shouts', input, schedule_timeout => '20 s'));
EXCEPTION WHEN SQLSTATE 'DF000' THEN
    RETURN left(df_failure() ->> 'errorMessage', 50);
END $$;
-- a place to wait at that is as long
CREATE FUNCTION waits(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
BEGIN
    EXECUTE 'SELECT df_wait_event(''go'') /* ' || repeat('canary-shout', 3000000) || ' */' INTO answer;
    RETURN 'waited';
END $$;
SELECT df_register_activity(f) FROM unnest('{floods,shouts}'::text[]) AS f;
SELECT df_register_orchestrator(f) FROM unnest('{runs,shouted,waits,quiet}'::text[]) AS f;
SELECT df_register_orchestrator('shouts in a turn', 'shouts');
SQL

my $before = memory_kb();
my @ids = map { df_start($node, 'runs', '{"sleep": 0.2}', user => 'regress_user') } 1 .. 3;
wait_for_status($node, $_, 'Completed') foreach @ids;
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE output = '"done"'}), 3, 'activities that flood come to their end');
cmp_ok(memory_kb() - $before, '<', memory_limit_kb() / 2, 'and cost the worker no memory');

foreach my $how (qw(notice info warning statement error transient))
{
	push(@ids, map { df_start($node, $_, qq({"how": "$how"}), user => 'regress_user') } 'shouted', $how eq 'transient' ? () : 'shouts in a turn');
}
push(@ids, df_start($node, 'waits', undef, user => 'regress_user'));
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df_waits() WHERE name = 'go'}) == 1 }, 'the one that waits');
is($node->safe_psql('postgres', q{SELECT function FROM df_waits() WHERE name = 'go'}), 'waits(jsonb)', 'it is known where');
cmp_ok($node->safe_psql('postgres', 'SELECT max(length(waiting_at)) FROM df.instance_state'), '<', 10000, 'by its last lines');
df_raise($ids[-1]);
wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.instances WHERE completed_time IS NULL') == 0 }, 'all of them');
cmp_ok(memory_kb() - $before, '<', memory_limit_kb() / 2, 'nor does a message of 40 MB cost it any');
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE name = 'shouted' AND runtime_status = 'Completed'}), 6,
	'and the instances go on');
my $id = df_start($node, 'quiet', undef, user => 'regress_user');
wait_for_status($node, $id, 'Completed');
unlike($worker->log, qr/canary|forged|zzzz/, 'nothing of it is in its log');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df_waits()'), 0, 'nothing is left');
is($worker->term, 0, 'the worker ends well');
done_testing();
