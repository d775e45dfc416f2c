# The examples of docs/http.md run against a server: the ```sh blocks, in order, in one shell.
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
my $script = '';
my @expected;

cmp_ok(scalar(@blocks) / 2, '>=', 12, 'there are examples');
while (my ($language, $text) = splice(@blocks, 0, 2))
{
	if ($language eq 'sql')
	{
		$node->safe_psql('postgres', $text, connstr => $node->connstr('postgres') . ' user=regress_user');
		next;
	}
	push @expected, [ $text =~ /^# => (.*)$/mg ];
	$text =~ s/localhost:7071/localhost:$port/g;
	$script .= "$text\nprintf '\\n== end of a block\\n'\n";
}

my ($out, $err) = ('', '');
IPC::Run::run([ 'bash', '-eu' ], '<' => \$script, '>' => \$out, '2>' => \$err, IPC::Run::timeout(120));
is($err, '', 'no complaint');
$out =~ s/localhost:$port/localhost:7071/g;

my @outputs = split(/\n== end of a block\n/, $out);
is(scalar(@outputs), scalar(@expected), 'all blocks were run');
foreach my $n (0 .. $#expected)
{
	my $at = 0;

	ok(scalar(@{ $expected[$n] }), "block $n announces something");
	foreach my $text (@{ $expected[$n] })
	{
		my $found = index($outputs[$n] // '', $text, $at);

		cmp_ok($found, '>=', 0, "block $n: $text") || diag($outputs[$n]);
		$at = $found + length($text) if $found >= 0;
	}
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
