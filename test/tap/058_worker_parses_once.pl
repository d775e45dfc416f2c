# The server parses and plans the worker's statement once a session, and again when it is not what it was.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "log_min_duration_statement = 0\n");
my $columns = 'what "char", instance_key bigint, task_id int, fence bigint, name text, instance_id text, execution int, '
  . 'attempt int, idempotency_key text, timeout_ms %s, input text, settings text, traceparent text';

$node->safe_psql('postgres', q{
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. n LOOP
			total := df_call_activity('noop', total);
			DEALLOCATE ALL;
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('steps')}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);

run_steps('first');

cmp_ok(times_logged('execute'), '>', 30, 'there was a call for each step');
cmp_ok(times_logged('parse'), '<=', 2, 'each of the two connections had it parsed once');

# a function of another version, whose answer does not suit the plan
$node->safe_psql('postgres', sprintf(q{
	BEGIN;
	ALTER FUNCTION df.work RENAME TO old_work;
	CREATE FUNCTION df.work(bigint, text[], text[], int, int, text, bigint[], int[], bigint[], text, text[])
	RETURNS TABLE(%s) LANGUAGE sql AS $$ SELECT * FROM df.old_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) $$;
	COMMIT}, sprintf($columns, 'numeric')));
run_steps('second');
cmp_ok(times_logged('parse'), '>', 1, 'it was parsed again');

# one that does, after all
$node->safe_psql('postgres', 'BEGIN; DROP FUNCTION df.work; ALTER FUNCTION df.old_work RENAME TO work; COMMIT');
run_steps('third');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
is($worker->term, 0, 'it was the same worker all the time');

sub run_steps
{
	my ($id) = @_;

	$node->safe_psql('postgres', qq{SET ROLE regress_user; SELECT df_start('steps', '30', '$id')});
	wait_for_status($node, $id, 'Completed');
	is($node->safe_psql('postgres', "SELECT output FROM df_status('$id')"), '30', "$id: it has its result");
	return;
}

sub times_logged
{
	my ($step) = @_;

	return scalar(() = slurp($node->logfile) =~ /duration: [\d.]+ ms  $step <unnamed>: SELECT what, instance_key/g);
}

done_testing();
