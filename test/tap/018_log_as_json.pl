# --log-format json: each line is a JSON object; payloads are not in it.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node, name => 'json', args => [ '--log-format', 'json', '--log-level', 'debug' ],
	config => { exec => { Fails => { argv => [ '/bin/sh', '-c', 'cat >&2; exit 1' ] } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION run_one(name text) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, '"PAYLOAD"');
	END $$;
	SELECT df_register_orchestrator('run_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $id = df_start($node, 'run_one', '"Fails"', user => 'regress_user');

wait_for_status($node, $id, 'Failed');
wait_for_status($node, df_start($node, 'run_one', '"noop"', user => 'regress_user'), 'Completed');
$node->restart;
$worker->wait_log(qr/"connected to database \\"postgres\\" again"/);
is($worker->term, 0, 'the worker stops');

my @lines = split(/\n/, $worker->log);
my @records = map { eval { JSON::PP->new->utf8->decode($_) } } @lines;

is(scalar(grep { ref $_ eq 'HASH' } @records), scalar(@lines), 'every line is a JSON object');
is(scalar(grep { $_->{timestamp} =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } @records), scalar(@lines),
	'with a timestamp');
is(scalar(grep { $_->{pid} == $worker->pid } @records), scalar(@lines), 'the process id');
is(scalar(grep { $_->{level} =~ /^(debug|info|warning|error)$/ } @records), scalar(@lines), 'and a level');

my ($failed) = grep { ($_->{activity} // '') eq 'Fails' } @records;

is($failed->{instance_id}, $id, 'a record about an activity names the instance');
is($failed->{attempt}, 1, 'and the attempt');
unlike($worker->log, qr/PAYLOAD/, 'no payload is logged');

done_testing();
