# E2_CopyFileToBlob tells how many bytes of a large file it has copied.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;
use Pgdf::Test;
use POSIX ();

my $dir = temp_dir();
my $block = 8 * 1024 * 1024;
my $size = 2 * $block + 1000;

# a store that takes the first block, and the others when the test says so
my $listener = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die;
my $store = fork() // die;

if ($store == 0)
{
	my $taken = 0;

	while (my $socket = $listener->accept)
	{
		while (take_request($socket))
		{
			select(undef, undef, undef, 0.02) until $taken == 0 || -e "$dir/gate";
			$taken++;
			print $socket "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";
		}
	}
	POSIX::_exit(0);
}

sub take_request
{
	my ($socket) = @_;
	my $text = '';

	$socket->autoflush(1);
	while ($text !~ /\r\n\r\n/) { sysread($socket, $text, 65536, length($text)) or return 0; }
	my ($head, $body) = split(/\r\n\r\n/, $text, 2);
	my ($left) = $head =~ /^content-length:\s*(\d+)/im;

	$left = ($left // 0) - length($body);
	while ($left > 0) { $left -= sysread($socket, $body, 65536) || return 0; }
	return 1;
}

my $node = new_node('main');
my $endpoint = 'http://127.0.0.1:' . $listener->sockport . '/account';
my $worker = start_worker($node, env => { AZURE_STORAGE_CONNECTION_STRING =>
	"AccountName=account;AccountKey=a2V5;BlobEndpoint=$endpoint" });

write_file("$dir/large", 'x' x $size);
$node->safe_psql('postgres', q{
	CREATE FUNCTION copy_one(path text) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity('E2_CopyFileToBlob', to_jsonb(path));
	END $$;
	SELECT df_register_orchestrator('copy_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $id = df_start($node, 'copy_one', qq("$dir/large"), user => 'regress_user');
my $seen;

wait_for(sub {
	$seen = $node->safe_psql('postgres', "SELECT progress FROM df_waits('$id')");
	return $seen ne '' && decode_json($seen)->{bytes} > 0;
}, 'the progress of a copy');
is_deeply(decode_json($seen), { bytes => $block, total => $size }, 'the bytes that were taken, of all');
write_file("$dir/gate", '');
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), $size, 'and then it is done');
is($worker->term, 0, 'the worker stops');
kill('KILL', $store);
waitpid($store, 0);
done_testing();
