# The sample by HTTP: start the backup with a JSON string, see it run, see the bytes that it has copied.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $site = "$dir/site";
my $bytes = 0;

mkdir($site);
mkdir("$site/pages");
foreach my $n (1 .. 10)
{
	write_file(($n % 2 ? $site : "$site/pages") . "/file $n.txt", 'x' x (1000 * $n));
	$bytes += 1000 * $n;
}
$node->safe_psql('postgres', "SELECT df_grant_worker('regress_user')");

# nobody does the work yet
my $gateway = start_gateway($node);
my $answer = http($gateway, POST => '/orchestrators/E2_BackupSiteContent',
	headers => { 'Content-Type' => 'application/json', Host => http_address($gateway) }, body => qq("$site"));
my $id = $answer->{json}{id};

is($answer->{code}, 202, 'the start is accepted');
is($answer->{headers}{location}, $answer->{json}{statusQueryGetUri}, 'Location is the status');
like($answer->{headers}{location}, qr!^http://\Q${\ http_address($gateway)}\E/.*/\Q$id\E$!, '... of this server');
is($answer->{headers}{'retry-after'}, 10);

my ($path) = $answer->{headers}{location} =~ m!^http://[^/]+(/.*)!;
# without a store it lists, and does not copy
my $worker = start_worker($node, user => 'regress_user', args => [ '--e2-root', $site ]);

wait_for_event($node, $id, 'TaskScheduled', count => 11);
$answer = http($gateway, GET => $path);
is($answer->{code}, 202, 'it runs');
is($answer->{json}{runtimeStatus}, 'Running');
is($answer->{json}{input}, $site, 'the input is echoed');
ok(exists $answer->{json}{output} && !defined $answer->{json}{output}, 'the output is null');
like($answer->{json}{$_}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, "$_ is a time") foreach qw(createdTime lastUpdatedTime);
is($answer->{headers}{'retry-after'}, 5);

my $copier = start_worker($node, user => 'regress_user', name => 'copier',
	args => [ '--e2-root', $site, '--blob-store', "file://$dir/blobs" ]);

$answer = wait_for(
	sub {
		my $status = http($gateway, GET => "$path?wait=10");
		return $status->{code} == 200 && $status;
	},
	'the end of the backup');
is($answer->{json}{runtimeStatus}, 'Completed');
like($answer->{body}, qr/"output":$bytes,/, 'the output is the number of bytes, as a number');
is($answer->{json}{progress}{tasksCompleted}, 11);

done_testing();
