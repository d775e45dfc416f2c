# A test that is killed, as at its deadline, takes its HTTP servers along: who reads its output comes to the end of it.

use strict;
use warnings;

use Pgdf::HttpServer;
use Pgdf::Test;

my $dir = temp_dir();

pipe(my $output, my $stdout) or die "could not make a pipe: $!";
my $test = fork() // die "could not fork: $!";

if ($test == 0)
{
	open(STDOUT, '>&', $stdout) or die "could not redirect: $!";
	close($stdout);
	my @servers = map { mkdir("$dir/$_"); Pgdf::HttpServer->new(dir => "$dir/$_", routes => { '/' => sub { sleep(600); return; } }) } 1, 2;

	# a request that is being answered
	my $client = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => $servers[0]->port) or die "could not connect: $@";
	$client->print("GET / HTTP/1.1\r\n\r\n");
	wait_for(sub { $servers[0]->requests('/') }, 'the request');
	syswrite(STDOUT, join(' ', map { $_->{pid} } @servers) . "\n");
	sleep(600);
}
close($stdout);
my @pids = split(' ', <$output>);

is(scalar(grep { is_alive($_) } @pids), 2, 'two servers run');
kill('KILL', $test);
waitpid($test, 0);
wait_for(sub { !grep { is_alive($_) } @pids }, 'the end of the servers');
ok(1, 'they end with the test');
is(<$output>, undef, 'and nobody has its output open');
done_testing();
