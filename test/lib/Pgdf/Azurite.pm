# test/lib/Pgdf/Azurite.pm: the Azurite server of test/azurite, and a small client with a signature of its own.
#
#   my $azurite = Pgdf::Azurite->new($dir);
#   $azurite->connection_string
#   $azurite->blobs('backups')              {name => {size, blocks}}: every blob of a container
#   $azurite->get('backups', $name)         a blob's bytes, or undef

package Pgdf::Azurite;

use strict;
use warnings;

use Carp;
use Digest::SHA qw(hmac_sha256);
use HTTP::Tiny;
use MIME::Base64;
use Pgdf::Process;

our $account = 'devstoreaccount1';
our $key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

# The blob service alone, on a port that the system chooses, with its data below $dir.
sub new
{
	my ($class, $dir, %opts) = @_;
	my $self = bless { dir => $dir }, $class;

	$self->start(%opts);
	return $self;
}

sub start
{
	my ($self, %opts) = @_;
	my $main = "$ENV{PGDF_TEST_DIR}/azurite/node_modules/azurite/dist/src/blob/main.js";
	my $log = "$self->{dir}/azurite.log";

	-e $main or croak "there is no Azurite: run make deps";
	unlink($log);
	$self->{process} = Pgdf::Process->start(
		argv => [
			$ENV{NODE} // '/usr/bin/env', ($ENV{NODE} ? () : 'node'), $main,
			'--blobPort', $opts{port} // 0, '--location', "$self->{dir}/data", '--silent', '--disableTelemetry'
		],
		log => $log);
	$self->{port} = $self->{process}->wait_log(qr!successfully listens on http://127\.0\.0\.1:(\d+)!);
	return;
}

sub port { return $_[0]{port}; }
sub process { return $_[0]{process}; }
sub endpoint { return "http://127.0.0.1:$_[0]{port}/$account"; }

# SIGKILL; start(port => ...) makes it come back with its data.
sub kill9 { $_[0]{process}->kill9; return; }

sub stop
{
	my ($self) = @_;

	$self->{process}->term if $self->{process} && $self->{process}->is_running;
	return;
}

sub connection_string
{
	my ($self, %opts) = @_;

	return join(';', 'DefaultEndpointsProtocol=http', "AccountName=$account", 'AccountKey=' . ($opts{key} // $key),
		'BlobEndpoint=' . $self->endpoint);
}

# A shared access signature for everything in the account.
sub shared_access_signature
{
	my ($self, %opts) = @_;
	my $permissions = $opts{permissions} // 'rwdlacup';
	my $expiry = '2099-01-01T00:00:00Z';
	my $text = join("\n", $account, $permissions, 'b', 'sco', '', $expiry, '', 'https,http', '2021-12-02', '', '');
	my $signature = escape(encode_base64(hmac_sha256($text, decode_base64($key)), ''));

	return "sv=2021-12-02&ss=b&srt=sco&sp=$permissions&se=" . escape($expiry) . "&spr=https,http&sig=$signature";
}

sub blobs
{
	my ($self, $container) = @_;
	my %found;
	my $marker = '';

	do
	{
		my $answer = $self->request('GET', "/$account/$container",
			{ comp => 'list', restype => 'container', $marker eq '' ? () : (marker => $marker) });

		croak "could not list container \"$container\": $answer->{status}" if $answer->{status} != 200;
		while ($answer->{content} =~ m!<Blob><Name>(.*?)</Name>.*?<Content-Length>(\d+)</Content-Length>!gs)
		{
			$found{ unescape_xml($1) } = $2;
		}
		$marker = $answer->{content} =~ m!<NextMarker>(.+?)</NextMarker>! ? $1 : '';
	} while ($marker ne '');
	return \%found;
}

sub get
{
	my ($self, $container, $name) = @_;
	my $answer = $self->request('GET', "/$account/$container/" . join('/', map { escape($_) } split(m!/!, $name, -1)), {});

	return $answer->{status} == 200 ? $answer->{content} : undef;
}

# Sizes of the blocks of a blob: 'Committed' or 'Uncommitted'.
sub blocks
{
	my ($self, $container, $name, $kind) = @_;
	my $answer = $self->request('GET', "/$account/$container/" . join('/', map { escape($_) } split(m!/!, $name, -1)),
		{ blocklisttype => 'all', comp => 'blocklist' });

	$kind //= 'Committed';
	my ($list) = $answer->{content} =~ m!<${kind}Blocks>(.*?)</${kind}Blocks>!s;
	return [ ($list // '') =~ m!<Size>(\d+)</Size>!g ];
}

sub request
{
	my ($self, $method, $path, $query) = @_;
	my %headers = (
		'x-ms-date' => http_date(),
		'x-ms-version' => '2021-12-02');
	my $text = join("\n", $method, ('') x 11,
		(map { "$_:$headers{$_}" } sort keys %headers),
		"/$account$path", (map { "$_:$query->{$_}" } sort keys %{$query}));
	my $url = "http://127.0.0.1:$self->{port}$path";

	$url .= '?' . join('&', map { "$_=" . escape($query->{$_}) } sort keys %{$query}) if %{$query};
	$headers{Authorization} = "SharedKey $account:" . encode_base64(hmac_sha256($text, decode_base64($key)), '');
	return HTTP::Tiny->new(proxy => undef, http_proxy => undef, timeout => 120)
	  ->request($method, $url, { headers => \%headers });
}

sub http_date
{
	my @now = gmtime;

	return sprintf('%s, %02d %s %04d %02d:%02d:%02d GMT', (qw(Sun Mon Tue Wed Thu Fri Sat))[ $now[6] ],
		$now[3], (qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec))[ $now[4] ], $now[5] + 1900, @now[ 2, 1, 0 ]);
}

sub escape
{
	my ($text) = @_;

	$text =~ s/([^A-Za-z0-9\-._~])/sprintf('%%%02X', ord($1))/ge;
	return $text;
}

# Bytes of UTF-8, as names are everywhere else.
sub unescape_xml
{
	my ($text) = @_;
	my %named = (amp => '&', lt => '<', gt => '>', quot => '"', apos => "'");

	$text =~ s/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/defined $3 ? $named{$3} : chr(defined $1 ? hex($1) : $2)/ge;
	return $text;
}

sub DESTROY
{
	my ($self) = @_;

	local $?;
	$self->{process}->kill9 if $self->{process} && $self->{process}->is_running;
	return;
}

1;
