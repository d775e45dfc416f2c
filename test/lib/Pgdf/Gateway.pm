# test/lib/Pgdf/Gateway.pm: the HTTP server of pgdf, and a client that sends exactly what it is told.
#
#   my $gateway = start_gateway($node, user => 'regress_user');
#   my $answer = http($gateway, POST => '/orchestrators/hello', body => '"x"', headers => { 'X-A' => 1 });
#   is($answer->{code}, 202);            # also {headers}{location}, {body}, {json}
#   my $socket = http_open($gateway);    # a connection of one's own
#   print $socket "GET / HTTP/1.1\r\n..."; my $next = http_read($socket);

package Pgdf::Gateway;

use strict;
use warnings;

use Carp;
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use Pgdf::Process;
use Pgdf::Test;

our @EXPORT = qw(start_gateway http http_open http_send http_read http_address start_http_worker);

my $generation = 0;
my %unread;

# pgdf gateway on a free port, as regress_user; returns when it listens.
#   user, db, name, args => [flags], address => 'unix:/path'
sub start_gateway
{
	my ($node, %opts) = @_;
	my $db = $opts{db} // 'postgres';
	my $user = $opts{user} // 'regress_user';
	my $name = ($opts{name} // 'gateway') . '.' . ++$generation;
	my $self = Pgdf::Process->start(
		argv => [
			$ENV{PGDF} // 'pgdf', 'gateway', '--http', $opts{address} // '127.0.0.1:0',
			'--dbname', $node->connstr($db) . " user=$user",
			@{ $opts{args} // [] }
		],
		log => Pgdf::Test::worker_dir() . "/$name.log",
		env => $opts{env});

	return $self if defined $opts{wait} && !$opts{wait};
	http_address($self);
	return $self;
}

# A worker that serves HTTP too; as a superuser, unless told otherwise.
sub start_http_worker
{
	my ($node, %opts) = @_;
	my $args = delete $opts{args} // [];
	my $self = start_worker($node, user => 'postgres', %opts, args => [ '--http', '127.0.0.1:0', @{$args} ]);

	http_address($self);
	return $self;
}

# Where a process serves: "127.0.0.1:port", or the path of a unix socket.
sub http_address
{
	my ($process) = @_;

	return $process if !ref $process;
	$process->{http_address} //= $process->wait_log(qr!serving HTTP on (?:https?://)?(\S+)!);
	return $process->{http_address};
}

sub http_open
{
	my ($process) = @_;
	my $address = http_address($process);
	my $socket = $address =~ m!^/! ? IO::Socket::UNIX->new(Peer => $address) : IO::Socket::INET->new(PeerAddr => $address);

	$socket || croak "could not connect to $address: $!";
	binmode($socket);
	delete $unread{$socket};
	return $socket;
}

# Send a request.  headers: {name => value, or undef to leave out one that is sent by itself}; body: bytes.
sub http_send
{
	my ($socket, $verb, $path, %opts) = @_;
	my %headers = (Host => 'localhost', %{ $opts{headers} // {} });

	$headers{'Content-Length'} //= length($opts{body}) if defined $opts{body};
	local $SIG{PIPE} = 'IGNORE';
	print $socket "$verb $path HTTP/1.1\r\n"
	  . join('', map { defined $headers{$_} ? "$_: $headers{$_}\r\n" : () } sort keys %headers)
	  . "\r\n"
	  . ($opts{body} // '');
	$socket->flush;
	return;
}

# Read an answer; undef when the connection ends before there is one.  head => 1: it has no body.
sub http_read
{
	my ($socket, %opts) = @_;
	my $end = time() + ($opts{timeout} // $Pgdf::Process::deadline);
	my $head = read_until($socket, $end, sub { return $_[0] =~ /\r\n\r\n/ ? $+[0] : undef; }) // return undef;
	my ($code) = $head =~ m!^HTTP/1\.1 (\d{3}) ! or croak "no HTTP: $head";
	my %headers = map { /^([^:]+):\s*(.*?)\s*$/ ? (lc $1 => $2) : () } split(/\r\n/, $head);
	my $length = $opts{head} ? 0 : $headers{'content-length'} // 0;
	my $body = $length ? read_until($socket, $end, sub { return length($_[0]) >= $length ? $length : undef; }) : '';

	return { code => $code, headers => \%headers, body => $body // '', json => decode($body) };
}

# One request on a connection of its own.
sub http
{
	my ($process, $verb, $path, %opts) = @_;
	my $socket = http_open($process);

	http_send($socket, $verb, $path, %opts);
	return http_read($socket, head => $verb eq 'HEAD', %opts) // croak "no answer to $verb $path";
}

# What has come, up to where $enough says that it ends; the rest is kept for the next time.
sub read_until
{
	my ($socket, $end, $enough) = @_;
	my $select = IO::Select->new($socket);
	my $text = delete $unread{$socket} // '';

	while (1)
	{
		my $length = $enough->($text);

		if (defined $length)
		{
			$unread{$socket} = substr($text, $length) if $length < length($text);
			return substr($text, 0, $length);
		}
		croak 'no answer in time' if time() > $end;
		next if !$select->can_read(1);
		return undef if !sysread($socket, $text, 65536, length($text));
	}
}

sub decode
{
	my ($body) = @_;
	my $value;

	return undef if !defined $body || $body eq '';
	eval { $value = JSON::PP->new->utf8->allow_nonref->decode($body); };
	return $value;
}

1;
