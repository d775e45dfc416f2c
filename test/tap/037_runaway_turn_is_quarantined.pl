# A turn that swallows its cancellation: the worker terminates the backend from another connection, and the third time the
# instance is quarantined. Others go on meanwhile.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "pgdf.turn_timeout = '300ms'\n");
my $worker = start_worker($node);

$node->safe_psql('postgres', q{
	CREATE FUNCTION swallows() RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			BEGIN
				LOOP
					PERFORM pg_sleep(0.01);
				END LOOP;
			EXCEPTION WHEN query_canceled THEN
				NULL;
			END;
		END LOOP;
	END $$;
	SELECT df_register_orchestrator('swallows');
	CREATE FUNCTION fine(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('noop', to_jsonb(n))::int; END $$;
	SELECT df_register_orchestrator('fine');
});

my $id = df_start($node, 'swallows');
my @fine;

wait_for(sub {
	push @fine, df_start($node, 'fine', scalar @fine) if @fine < 10;
	return $node->safe_psql('postgres', "SELECT blocked_reason FROM df_status('$id')") ne '';
}, 'the instance is quarantined');
is($node->safe_psql('postgres', "SELECT blocked_reason FROM df_status('$id')"),
	'its code does not end when it is cancelled: the backend had to be terminated', 'the reason is said');
is(() = slurp($node->logfile) =~ /terminating connection due to administrator command/g, 3, 'after three times');
wait_for_status($node, $_, 'Completed') foreach @fine;
pass('others were not held up');

# put right, and released
$node->safe_psql('postgres', q{CREATE OR REPLACE FUNCTION swallows() RETURNS text LANGUAGE sql AS $$ SELECT 'ended' $$});
$node->safe_psql('postgres', "SELECT df_repin('$id')");
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '"ended"', 'with other code it ends');
is($worker->term, 0, 'the worker stops');

doctor_finds_nothing($node);
done_testing();
