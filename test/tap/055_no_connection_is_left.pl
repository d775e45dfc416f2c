# Others take every connection: a worker goes on with those that it has; one that has lost its own comes back.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "max_connections = 20\nsuperuser_reserved_connections = 3\n");

$node->safe_psql('postgres', q{
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 5 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('steps');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);
my @hogs;

start_work('before');
wait_for(sub { return done('before') == 50 }, 'the first work');

take_all_connections();
start_work('during');
wait_for(sub { return done('during') == 50 }, 'work while no connection is left');
ok(1, 'a worker works with the connections that it has');

# now its own are taken away, and taken by others, who may have to try again: it is quick to come back
wait_for(sub {
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_worker'});
	take_all_connections();
	return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_worker'}) eq '0'
		&& $worker->log =~ /could not connect to database/;
}, 'the worker to have no connection');
like($worker->log, qr/too many clients|remaining connection slots/, 'its log says why');
start_work('after');
ok($worker->is_running, 'a worker without a connection waits');
is(done('after'), '0', 'and can do nothing');
$_->finish foreach map { ${ $_->{stdin} } = "\\q\n"; $_->{handle} } @hogs;
my $freed = time();

wait_for(sub { return done('after') == 50 }, 'the rest of the work');
cmp_ok(time() - $freed, '<', bar(12), 'it comes back by itself');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
is($worker->term, 0, 'it was the same worker all the time');

# The superuser's connections are reserved, so the test can still look.
sub start_work
{
	my ($prefix) = @_;

	return $node->safe_psql('postgres',
		qq{SET ROLE regress_user; SELECT count(df_start('steps', to_jsonb(n), '$prefix' || n)) FROM generate_series(1, 50) AS n});
}

sub done
{
	my ($prefix) = @_;

	return $node->safe_psql('postgres',
		qq{SELECT count(*) FROM df.instances WHERE instance_id LIKE '$prefix%' AND runtime_status = 'Completed'});
}

sub take_all_connections
{
	while (1)
	{
		my ($stdin, $out, $err) = ("\\echo here\n", '', '');
		my $handle = IPC::Run::start(
			[ "$ENV{BINDIR}/psql", '-XAtq', '-d', $node->connstr('postgres') . ' user=regress_user' ],
			\$stdin, \$out, \$err);

		wait_for(sub { $handle->pump_nb; return $out =~ /here/ || $err =~ /FATAL/ }, 'a connection or a refusal');
		if ($err =~ /FATAL/)
		{
			$handle->finish;
			return;
		}
		push @hogs, { handle => $handle, stdin => \$stdin };
	}
}

done_testing();
