# PL/pgSQL evaluates "x := df_call_activity(...)" by itself in every turn of a transaction, not by a query after the first one.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => <<'CONF');
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
CONF

$node->safe_psql('postgres', q{
	CREATE FUNCTION add(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		IF n = 7 THEN
			RAISE 'seven';
		END IF;
		RETURN n + 1;
	END $$;
	CREATE FUNCTION steps() RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		x jsonb := df_call_activity('add', '0');
	BEGIN
		FOR i IN 1..20 LOOP
			BEGIN
				x := df_call_activity('add', x);
			EXCEPTION WHEN SQLSTATE 'DF001' THEN
				x := '8';
			END;
			IF df_call_activity('add', '1') <> '2' THEN
				RETURN 'wrong';
			END IF;
		END LOOP;
		RETURN df_call_activity('add', x);
	END $$;
	SELECT FROM df_register_activity('add', 'add');
	SELECT FROM df_register_orchestrator('steps', 'steps');
	GRANT EXECUTE ON FUNCTION add, steps TO PUBLIC;
	ALTER FUNCTION add OWNER TO regress_user;
	ALTER FUNCTION steps OWNER TO regress_user}, connstr => $node->connstr('postgres'));

my $worker = start_worker($node);
my $id = df_start($node, 'steps', undef, user => 'regress_user');

wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT output FROM df_status('$id')"), '22', 'it runs');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM df_history('} . $id . q{') WHERE event_type = 'OrchestratorStarted'}),
	'>', 40, 'in many turns');

my $log = slurp($node->logfile);

like($log, qr/Query Text: .*df\.instance_state/, 'statements inside of calls are logged');
is(() = $log =~ /Query Text: .*df_call_activity/g, 0, 'none of them is a step');
done_testing();
