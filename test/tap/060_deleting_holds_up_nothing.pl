# An instance that takes long to delete, as a map of many million items does, costs the worker that deletes it nothing: its
# presence stays, it goes on with its work, and the instance is gone in the end.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION ends() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('noop', '1'); END $$;
	SELECT df_register_orchestrator('ends');
	-- longer than a call of the control connection may take
	CREATE FUNCTION takes_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(8); RETURN NULL; END $$;
	CREATE TRIGGER takes_long AFTER DELETE ON df.instance_state FOR EACH ROW EXECUTE FUNCTION takes_long();
});
my $first = start_worker($node, name => 'first');
my $old = df_start($node, 'ends');

wait_for_status($node, $old, 'Completed');
is($first->term, 0, 'a worker that deletes nothing');
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET pgdf.retention_completed = 0');

my $worker = start_worker($node, name => 'deletes');

sub is_deleting { return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%df.retire(%' AND wait_event = 'PgSleep'}) == 1; }
wait_for(sub { is_deleting() }, 'the worker that deletes');
my ($worker_key) = $node->safe_psql('postgres', q{SELECT worker_key FROM df.workers WHERE name = 'deletes'});
my $meanwhile = df_start($node, 'ends', undef);

wait_for_status($node, $meanwhile, 'Completed');
ok(is_deleting(), 'it works meanwhile');
wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM df_status('$old')") == 0 }, 'the end');
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%df.retire(%' AND pid <> pg_backend_pid()}) == 0 }, 'the end of the connection');
is($node->safe_psql('postgres', q{SELECT worker_key FROM df.workers WHERE name = 'deletes'}), $worker_key, 'it was there all the time');
unlike($worker->log, qr/lost connection|no answer/, 'no connection was lost');
is($worker->term, 0, 'it ends well');

done_testing();
