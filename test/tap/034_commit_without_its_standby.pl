# A commit whose wait for the synchronous standby was cancelled may be lost with the primary.  A worker starts nothing
# that may be started only once on the strength of it, sends results again, and goes on when the standby is back.

use strict;
use warnings;

use Pgdf::Test;

my $dir = temp_dir();
my $primary = new_node('primary', allows_streaming => 1, start => 0, conf => "pgdf.lease = '60s'\n");
my $standby = PostgreSQL::Test::Cluster->new('standby');

$primary->start;
$primary->safe_psql('postgres', q{
	CREATE FUNCTION once() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('Once', retry => df_retry(1)) $$;
	CREATE FUNCTION twice() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('noop', '2') $$;
	SELECT df_register_orchestrator('once'), df_register_orchestrator('twice');
}, connstr => $primary->connstr('postgres') . ' user=regress_user');
$primary->backup('base');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$primary->reload;
$primary->poll_query_until('postgres', q{SELECT sync_state = 'sync' FROM pg_stat_replication}) or die 'the standby does not follow';

my $worker = start_worker($primary, config => { exec => {
	Once => { argv => [ '/bin/sh', '-c', "echo started >> $dir/once; echo 1" ] } } });

df_start($primary, 'twice', undef, id => 'warm', user => 'regress_user');
wait_for_status($primary, 'warm', 'Completed');

# the standby is away: commits of the worker wait, and are cancelled
$standby->stop;
$primary->safe_psql('postgres', q{SET synchronous_commit = local; SET ROLE regress_user;
	SELECT df_start('once', NULL, 'once'), df_start('twice', NULL, 'twice')});
my $cancelled = 0;

wait_for(sub {
	$cancelled += $primary->safe_psql('postgres', q{
		SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
		WHERE usename = 'regress_worker' AND wait_event = 'SyncRep'});
	return $cancelled >= 10;
}, 'commits to be cancelled');
ok(!-e "$dir/once", 'what may be started once was not started on a commit that may be lost');
like($worker->log, qr/results may not have been replicated, sending them again/, 'results are sent again')
  or note($worker->log);
$standby->start;
wait_for_status($primary, $_, 'Completed') foreach qw(once twice);
is(slurp("$dir/once"), "started\n", 'when the standby is back, it is started, once');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM df.doctor() WHERE severity = 'violation'}), '0', 'the doctor finds no violation');
is($worker->term, 0, 'it was the same worker all the time');

done_testing();
