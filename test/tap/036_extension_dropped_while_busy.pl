# DROP EXTENSION while a worker is at work, and CREATE EXTENSION again: the worker needs no help for the new one.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $chain = q{
	CREATE OR REPLACE FUNCTION public.steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 20 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	SET pgdf.superuser_instances = on;
	SELECT df_register_orchestrator('steps', 'public.steps(int)');
	SELECT count(df_start('steps', to_jsonb(n), 'i' || n)) FROM generate_series(1, 200) AS n};
my $done = q{SELECT count(*) FROM df.instances WHERE runtime_status = 'Completed'};

$node->append_conf('postgresql.conf', 'pgdf.superuser_instances = on');
$node->reload;
my $worker = start_worker($node);

$node->safe_psql('postgres', $chain);
wait_for(sub { return $node->safe_psql('postgres', $done) > 0 || $node->safe_psql('postgres', 'SELECT count(*) > 100 FROM df.history') eq 't' },
	'the work to begin');

# what depends on it (functions that take a df_task, say) would have to go first; there is nothing here
# (the server may find that it and a call lock tables in another order, and end one of them: then it is tried again)
wait_for(sub { return $node->psql('postgres', "SET lock_timeout = '5s'; DROP EXTENSION pgdf") == 0 }, 'DROP EXTENSION');
$worker->wait_log(qr/extension "pgdf" is not installed in database "postgres"/);
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'df'}), '0', 'nothing is left of it');
ok($worker->is_running, 'the worker waits');

$node->safe_psql('postgres', q{CREATE EXTENSION pgdf; SELECT df_grant_user('regress_user'), df_grant_worker('regress_worker')});
$node->safe_psql('postgres', $chain);
wait_for(sub { return $node->safe_psql('postgres', $done) eq '200' }, 'the new work to be done');
is($node->safe_psql('postgres', q{SELECT sum((output #>> '{}')::int) FROM df.instances}), '20100', 'it is done right');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
is($worker->term, 0, 'it was the same worker all the time');

done_testing();
