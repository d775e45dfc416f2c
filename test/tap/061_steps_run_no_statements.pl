# A step of a chain in the worker is one call, which runs no statements of its own.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => <<'CONF');
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
CONF

$node->safe_psql('postgres', q{
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. n LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('steps')}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);

run_steps(5);
my $before = -s $node->logfile;
my $steps = 200;

run_steps($steps);
my $log = substr(slurp($node->logfile), $before);
my $calls = () = $log =~ /Query Text: SELECT what, instance_key/g;
my @others = grep { !/SELECT what, instance_key/ && !/df_status|df_start/ } $log =~ /Query Text: (.*)/g;

cmp_ok($calls, '>=', $steps, 'there was a call for each step');
cmp_ok(scalar(@others), '<', $steps / 2, 'statements are those of the beginning, the end, and of sweeps')
  or diag(join("\n", @others[ 0 .. 20 ]));
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.tasks}), '0', 'no task is left');
is($worker->term, 0, 'the worker ends');

sub run_steps
{
	my ($n) = @_;

	$node->safe_psql('postgres', qq{SET ROLE regress_user; SELECT df_start('steps', '$n', 'chain$n')});
	wait_for_status($node, "chain$n", 'Completed');
	is($node->safe_psql('postgres', "SELECT output FROM df_status('chain$n')"), "$n", "$n steps have their result");
	return;
}

done_testing();
