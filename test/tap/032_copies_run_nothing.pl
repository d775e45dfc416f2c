# A copy of a database runs nothing until it is adopted: a restored dump, a database made from a template.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $bin = $ENV{BINDIR};
my $dump = temp_dir() . '/dump';
my @ids;

$node->safe_psql('postgres', q{
	CREATE DATABASE original TEMPLATE template0;
});
$node->safe_psql('original', slurp("$ENV{PGDF_TEST_DIR}/lib/database.sql"));
$node->safe_psql('original', q{
	CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity('noop', to_jsonb(n))::int + df_call_activity('noop', to_jsonb(n))::int;
	END $$;
	SELECT df_register_orchestrator('twice', 'public.twice(int)');
}, connstr => $node->connstr('original') . ' user=postgres');
@ids = split(/\n/, $node->safe_psql('original', q{
	SELECT df_start('twice', to_jsonb(n), 'i' || n) FROM generate_series(1, 30) AS n
}));

# half of it has been done when the copies are made
my $worker = start_worker($node, db => 'original', name => 'original');

wait_for_status($node, 'i15', 'Completed', db => 'original');
is($worker->term, 0, 'the original has a worker');
$node->safe_psql('original', q{SELECT df_start('twice', to_jsonb(n), 'late' || n) FROM generate_series(1, 1000) AS n});
$node->command_ok([ "$bin/pg_dump", '-Fc', '-f', $dump, $node->connstr('original') ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ "$bin/pg_restore", '-e', '-d', $node->connstr('restored'), $dump ], 'is restored');
$node->safe_psql('postgres', 'CREATE DATABASE cloned TEMPLATE original');

foreach my $copy (qw(restored cloned))
{
	my $refused = start_worker($node, db => $copy, name => $copy, wait => 0);

	$refused->wait_log(qr/this database is a copy/);
	is($node->safe_psql($copy, 'SELECT count(*) FROM df.worker_sessions WHERE absent_since IS NULL AND lease_until > now()'),
		'0', "$copy: no worker is there");
	is($node->safe_psql($copy, q{SELECT count(*) FROM df.instances WHERE instance_id ~ 'late' AND runtime_status = 'Completed'}),
		'0', "$copy: nothing was run");
	is(($node->psql($copy, q{SET ROLE regress_user; SELECT df_adopt()}))[0], 3, "$copy: not everybody may adopt it");
	is($node->safe_psql($copy, 'SELECT df_adopt()'), 't', "$copy: it is adopted");
	is($node->safe_psql($copy, 'SELECT df_adopt()'), 'f', "$copy: and that is all");
	$node->poll_query_until($copy, q{SELECT bool_and(runtime_status = 'Completed') FROM df.instances})
	  or die "the copy $copy does not run";
	is($node->safe_psql($copy, q{SELECT count(*), sum((output #>> '{}')::int) FROM df.instances}), '1030|1001930',
		"$copy: now everything is done");
	is($refused->term, 0, "$copy: by the worker that was refused");
}

# the original is not disturbed
$worker = start_worker($node, db => 'original', name => 'again');
$node->poll_query_until('original', q{SELECT bool_and(runtime_status = 'Completed') FROM df.instances})
  or die 'the original does not run';
ok(1, 'the original runs on');
is($worker->term, 0, 'and its worker ends well');

done_testing();
