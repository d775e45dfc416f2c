# Requests that two servers could read in two ways are refused, and what follows them on the connection is never run.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $base = '/runtime/webhooks/durabletask';
my $node = new_node('main');
my $gateway = start_gateway($node);

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION quiet() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM df_wait_event('never'); END$$;
SELECT df_register_orchestrator('quiet', 'quiet');
SQL

my $hidden = "POST $base/orchestrators/quiet/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
my $post = "POST $base/orchestrators/quiet/own HTTP/1.1\r\nHost: localhost\r\n";
my $chunked = sprintf("%x\r\n%s\r\n0\r\n\r\n", length($hidden), $hidden);
my %requests = (
	'both lengths' => "${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$hidden",
	'both lengths, the other way round' => "${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n$hidden",
	'two lengths' => "${post}Content-Length: 0\r\nContent-Length: " . length($hidden) . "\r\n\r\n$hidden",
	'a list of lengths' => "${post}Content-Length: 0, " . length($hidden) . "\r\n\r\n$hidden",
	'a length with a sign' => "${post}Content-Length: +0\r\n\r\n$hidden",
	'a length below zero' => "${post}Content-Length: -1\r\n\r\n$hidden",
	'a hexadecimal length' => "${post}Content-Length: 0x0\r\n\r\n$hidden",
	'a length of twenty digits' => "${post}Content-Length: 18446744073709551616\r\n\r\n$hidden",
	'another coding' => "${post}Transfer-Encoding: identity\r\n\r\n$hidden",
	'two codings' => "${post}Transfer-Encoding: gzip, chunked\r\n\r\n$chunked",
	'a coding with a tab' => "${post}Transfer-Encoding: \x0bchunked\r\n\r\n$chunked",
	'a name with a blank' => "${post}Content-Length : " . length($hidden) . "\r\n\r\n$hidden",
	'a coding with a blank' => "${post}Transfer-Encoding : chunked\r\n\r\n$chunked",
	'a folded line' => "${post}X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n$chunked",
	'a folded first line' => "POST $base/orchestrators/quiet/own HTTP/1.1\r\n Host: localhost\r\n\r\n$hidden",
	'no host' => "POST $base/orchestrators/quiet/own HTTP/1.1\r\n\r\n$hidden",
	'two hosts' => "${post}Host: example.com\r\n\r\n$hidden",
	'a chunk that is too long' => "${post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n$hidden",
	'a chunk with a sign' => "${post}Transfer-Encoding: chunked\r\n\r\n-1\r\n$hidden",
	'a chunk without a size' => "${post}Transfer-Encoding: chunked\r\n\r\n\r\n$hidden",
	'a carriage return alone' => "${post}X-A: b\rTransfer-Encoding: chunked\r\n\r\n$chunked",
	'a version that there is not' => "POST $base/orchestrators/quiet/own HTTP/9.9\r\nHost: localhost\r\n\r\n$hidden");

# The codes of all answers that come until the connection ends.
sub codes
{
	my ($text) = @_;
	my $socket = http_open($gateway);
	my ($all, $part) = ('', '');

	local $SIG{PIPE} = 'IGNORE';
	print $socket $text;
	$socket->flush;
	$all .= $part while IO::Select->new($socket)->can_read(3) && sysread($socket, $part, 65536);
	return $all =~ m!HTTP/1\.1 (\d{3}) !g;
}

foreach my $name (sort keys %requests)
{
	my @codes = codes($requests{$name});

	is(scalar(grep { !/^[45]/ } @codes), 0, "$name: refused (@codes)");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.instances'), 0, 'nothing was started');

# a body that holds a request is a body
is(join(' ', codes("${post}Connection: close\r\nContent-Length: " . (length($hidden) + 2) . "\r\nContent-Type: application/json\r\n\r\n\"" . $hidden =~ s/\r\n/  /gr =~ s/"//gr . '"')),
	202, 'as a body');
is(join(' ', codes("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")), '200 200', 'two after each other are two');
is($node->safe_psql('postgres', 'SELECT string_agg(instance_id, $$ $$) FROM df.instances'), 'own', 'the one that asked for it');

# what is repeated in headers and links cannot begin another header
foreach my $path ("$base/orchestrators/quiet/a%0d%0aSet-Cookie:x", "$base/orchestrators/quiet/a%0AX:y", '/orchestrators/quiet?taskHub=a%0d%0aSet-Cookie:x&code=b%0d%0aX:y&connection=%22%3E%0d%0a')
{
	my $socket = http_open($gateway);
	my $text = '';
	my $part;

	print $socket "POST $path HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
	$text .= $part while sysread($socket, $part, 65536);
	my ($head) = split(/\r\n\r\n/, $text);
	unlike($head, qr/^(set-cookie|x):/mi, "$path: no header of its own");
	like($head, qr!^HTTP/1\.1 (202|400) !, '... is answered');
}
is($gateway->term, 0, 'ends');
done_testing();
