# bench/lib/Bench/Http.pm: requests to a gateway, against the same SQL on as many connections as the gateway has.
#
# The server is "pgdf gateway" with its 8 database connections; 32 clients keep their connections and send one
# request at a time.  No worker runs: what is started stays where it is.

package Bench::Http;

use strict;
use warnings;

use Bench::Server qw(conninfo fresh_database http_client pgbench sql start_gateway stop_workers);
use Exporter 'import';

our @EXPORT_OK = qw(http_statuses http_starts);

my $api = '/runtime/webhooks/durabletask';
my $connections = 8;
my $clients = 32;
my $seconds = $ENV{HTTP_SECONDS} // 5;
my $input = qq({"n": 1, "activity": "noop", "text": "@{[ 'x' x 60 ]}"});

# GET of one instance's status.
sub http_statuses
{
	my ($measured) = @_;

	fresh_database('bench_workloads');
	sql("SELECT df_start('bench_chain', '$input', 'bench-' || i) FROM generate_series(1, 1000) AS i", 'bench_user');
	return against(
		$measured,
		floor => "SELECT code, runtime_status, output, changed, body FROM df.api_status(NULL, 'bench-500', true, false, false);\n",
		request => [ 202, 'GET', "$api/instances/bench-500" ]);
}

# POST of a start, with a generated id.
sub http_starts
{
	my ($measured) = @_;

	fresh_database('bench_workloads');
	return against(
		$measured,
		floor => "SELECT df_start('bench_chain', '$input');\n",
		request => [ 202, 'POST', "$api/orchestrators/bench_chain", $input ]);
}

sub against
{
	my ($measured, %opts) = @_;
	my $floor = pgbench($opts{floor}, clients => $connections, seconds => $seconds, user => 'bench_user');
	my $address = start_gateway(args => [ '--http-db-connections', $connections ]);
	my ($rate, $p50, $p99);

	http_client($address, $clients, 1, @{ $opts{request} });
	my $row = $measured->(sub {
		($rate, $p50, $p99) = split(' ', http_client($address, $clients, $seconds, @{ $opts{request} }));
		return { seconds => $seconds, rate => $rate, p50_ms => $p50, p99_ms => $p99 };
	});

	stop_workers();
	$row->{floor} = $floor;
	$row->{note} = "the floor is the SQL call by $connections clients";
	return $row;
}

1;
