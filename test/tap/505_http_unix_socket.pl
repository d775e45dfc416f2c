# HTTP on a unix socket: for its owner and group, without a key; its file goes with the server, and a stale one is replaced.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $path = temp_dir() . '/df.sock';
my $gateway = start_gateway($node, address => "unix:$path");

is(sprintf('%o', (stat $path)[2] & 07777), '660', 'mode of the socket');
is(http($gateway, GET => '/readyz')->{code}, 200, 'serves');
is(http($gateway, GET => '/readyz', headers => { Host => 'evil.example' })->{code}, 403, 'Host is looked at here too');

my $second = start_gateway($node, name => 'second', address => "unix:$path", wait => 0);

is($second->wait_exit, 1, 'a second server on the same socket');
like($second->log, qr/ERROR:  could not listen on ".*": Address already in use/, 'says why it ends');
is(http($gateway, GET => '/readyz')->{code}, 200, 'and has left the first one alone');

$gateway->kill9;
ok(-S $path, 'a server that was killed leaves its file');
$gateway = start_gateway($node, address => $path);
is(http($gateway, GET => '/readyz')->{code}, 200, 'which the next one replaces');
is($gateway->term, 0, 'ends');
ok(!-e $path, 'the file is gone');

write_file($path, 'somebody\'s');
$second = start_gateway($node, name => 'third', address => "unix:$path", wait => 0);
is($second->wait_exit, 1, 'a file that is no socket');
is(slurp($path), 'somebody\'s', 'is left alone');

done_testing();
