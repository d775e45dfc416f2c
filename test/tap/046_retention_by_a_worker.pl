# Workers delete final instances that are older than pgdf.retention_*, which can be set for a database.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION ends(fails boolean) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		IF fails THEN
			RAISE EXCEPTION 'told to';
		END IF;
		RETURN df_call_activity('noop', '1')::int;
	END $$;
	SELECT df_register_orchestrator('ends');
});

my @workers = map { start_worker($node, name => $_) } qw(left right);
my $failed = df_start($node, 'ends', 'true');

$node->safe_psql('postgres', q{SELECT df_start('ends', 'false') FROM generate_series(1, 2500)});
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE runtime_status = 'Completed'}) == 2500 }, 'all have ended');
wait_for_status($node, $failed, 'Failed');

$node->safe_psql('postgres', q{ALTER DATABASE postgres SET pgdf.retention_completed = 0});
$_->term foreach @workers;
@workers = map { start_worker($node, name => "$_ again") } qw(left right);
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df.instances}) == 1 }, 'they are deleted');
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.history WHERE instance_key NOT IN (SELECT instance_key FROM df.instance_state)}), 0,
	'with all that they had');
is($node->safe_psql('postgres', "SELECT runtime_status FROM df_status('$failed')"), 'Failed', 'those of another status are kept');
is($_->term, 0, 'a worker stops') foreach @workers;

done_testing();
