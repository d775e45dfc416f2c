# SIGHUP reads the configuration file again; running activities go on with what they were started with.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $file = "$dir/config.json";

sub settings
{
	my (%settings) = @_;

	rename(write_file("$file.new", JSON::PP->new->encode(\%settings)), $file);
	return;
}

sub say_words
{
	my ($words) = @_;

	return { argv => [ '/bin/sh', '-c', qq{touch $dir/$words; while ! test -e $dir/go; do sleep 0.01; done; echo '"$words"'} ] };
}

$node->safe_psql('postgres', q{
	CREATE FUNCTION run_one(name text) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name);
	END $$;
	SELECT df_register_orchestrator('run_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

settings(exec => { Speak => say_words('before') }, 'max-activities' => 5);
my $worker = start_worker($node, name => 'reloading', args => [ '--config', $file, '--queues', 'default' ]);
my $first = df_start($node, 'run_one', '"Speak"', user => 'regress_user');

wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1') == 1 },
	'the activity to be claimed');
wait_for(sub { return -e "$dir/before" }, 'the command to run');

my $session = session();

settings(exec => { Speak => say_words('after'), Other => say_words('other') }, 'max-activities' => 7,
	'log-level' => 'debug', connections => 5, queues => ['ignored']);
$worker->hup;
$worker->wait_log(qr/setting "connections" cannot be changed without a restart/);
$worker->wait_log(qr/setting "max-activities" changed/);
unlike($worker->log, qr/setting "queues" changed/, 'a flag still wins');
wait_for(sub { return session() =~ /,other.*\|7$/ }, 'the database to know');
is((split(/\|/, session()))[0], (split(/\|/, $session))[0], 'the session is the same');

my $second = df_start($node, 'run_one', '"Speak"', user => 'regress_user');
my $third = df_start($node, 'run_one', '"Other"', user => 'regress_user');

wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1') == 3 },
	'the other activities to be claimed');
write_file("$dir/go", '');
wait_for_status($node, $_, 'Completed') foreach $first, $second, $third;
is(join(' ', map { $node->safe_psql('postgres', "SELECT df_result('$_', '1 s')") } $first, $second, $third),
	'"before" "after" "other"', 'each command is the one of its time');

# a file that is wrong changes nothing
write_file($file, '{"max-activities": 0}');
$worker->hup;
$worker->wait_log(qr/invalid value for "max-activities"/);
wait_for_status($node, df_start($node, 'run_one', '"Other"', user => 'regress_user'), 'Completed');
like(session(), qr/\|7$/, 'the worker goes on with the old settings');
is($worker->term, 0, 'the worker stops');

sub session
{
	return $node->safe_psql('postgres', 'SELECT worker_key, activities, slots FROM df.worker_sessions');
}

done_testing();
