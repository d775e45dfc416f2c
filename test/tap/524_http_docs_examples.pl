# The examples of docs/http.md run against a server: the ```sh blocks, in order, each in a shell of its own.
#
# A ```sql block is run before what follows it.  In a ```sh block "# => text" announces text that is in the output
# of the block, in this order.  The address of the page, localhost:7071, stands for that of the server.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my @blocks = slurp("$ENV{PGDF_TEST_DIR}/../docs/http.md") =~ /^```(sh|sql)\n(.*?)^```$/gms;

$node->safe_psql('postgres', "SELECT df_grant_worker('regress_user')");
my $worker = start_http_worker($node, user => 'regress_user');
my ($port) = http_address($worker) =~ /:(\d+)$/;
my $number = 0;

cmp_ok(scalar(@blocks) / 2, '>=', 12, 'there are examples');
while (my ($language, $text) = splice(@blocks, 0, 2))
{
	if ($language eq 'sql')
	{
		$node->safe_psql('postgres', $text, connstr => $node->connstr('postgres') . ' user=regress_user');
		next;
	}
	run_block(++$number, $text);
	# a reader is slower than we are: what was asked for has happened before the next one
	wait_for(
		sub {
			return $node->safe_psql('postgres',
				q{SELECT NOT EXISTS (SELECT FROM df.inbox)
					AND NOT EXISTS (SELECT FROM df.instances WHERE runtime_status IN ('Pending', 'Suspended'))}) eq 't';
		},
		"the end of what block $number has asked for");
}

# every route of the description has a row in the page
my $page = slurp("$ENV{PGDF_TEST_DIR}/../docs/http.md");
my $document = http($worker, GET => '/openapi.json')->{json};
foreach my $path (sort keys %{ $document->{paths} })
{
	my $row = $path =~ s!^/runtime/webhooks/durabletask!BASE!r;

	next if $path =~ m!^/admin/!;
	$row =~ s!/(suspend|resume|rewind)$!/terminate!;
	like($page, qr/\|.*`\Q$row\E`/, "$path is in the table of routes");
}

done_testing();

sub run_block
{
	my ($n, $text) = @_;
	my @expected = $text =~ /^# => (.*)$/mg;
	my ($at, $out, $err) = (0, '', '');

	$text =~ s/localhost:7071/localhost:$port/g;
	IPC::Run::run([ 'bash', '-eu' ], '<' => \$text, '>' => \$out, '2>' => \$err, IPC::Run::timeout(120));
	is($err, '', "block $n: no complaint");
	ok(scalar(@expected), "block $n announces something");
	$out =~ s/localhost:$port/localhost:7071/g;
	foreach my $line (@expected)
	{
		my $found = index($out, $line, $at);

		cmp_ok($found, '>=', 0, "block $n: $line") || diag($out);
		$at = $found + length($line) if $found >= 0;
	}
	return;
}
