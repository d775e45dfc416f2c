# The disk is full: clients get an error, nothing is lost, no attempt is charged, and work goes on when there is space.
#
# The server's data is in a small tmpfs, in a mount namespace of its own.

use strict;
use warnings;

use Pgdf::Process;
use Pgdf::Test;

my $data = temp_dir() . '/small';
my $sockets = temp_dir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my @unshare = qw(unshare --user --map-root-user --mount);

plan(skip_all => 'user namespaces are not available') if system(join(' ', @unshare) . ' true 2>/dev/null') != 0;

mkdir($data);
my $start = write_file("$sockets/start.sh", <<"SH");
mount -t tmpfs -o size=160m tmpfs '$data'
mkdir '$data/pg' && chmod 700 '$data/pg' && cp -a '$ENV{PGDF_TEMPLATE}/.' '$data/pg/'
cat >> '$data/pg/postgresql.conf' <<'CONF'
@{[ slurp("$ENV{PGDF_TEST_DIR}/lib/postgresql.conf") ]}
port = $port
unix_socket_directories = '$sockets'
max_wal_size = 48MB
min_wal_size = 32MB
shared_buffers = 16MB
autovacuum = off
pgdf.reconnect_grace = '200ms'
CONF
exec unshare --user --map-user=1000 --map-group=1000 '$ENV{BINDIR}/postgres' -D '$data/pg'
SH
my $server = Pgdf::Process->start(argv => [ @unshare, 'sh', '-e', $start ], log => "$sockets/server.log");
my $conninfo = "host=$sockets port=$port dbname=postgres";

wait_for(sub { return psql('SELECT 1') eq '1' }, 'the server');
psql(q{SET ROLE regress_user;
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 5 LOOP
			total := df_call_activity('noop', total, retry => df_retry(2, '1 ms'));
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('steps')});

my $worker = Pgdf::Process::spawn_worker(
	conninfo => "$conninfo user=regress_worker", dir => $sockets, query => sub { return psql($_[0]); });

start_work(1, 20);
wait_for(sub { return done() == 20 }, 'the first work');

# What is started while the disk fills up was acknowledged, or not.
my @acknowledged = (1 .. 20);
my $next = 21;

psql(qq{COPY (SELECT repeat('x', 1000) FROM generate_series(1, 60000)) TO '$data/fill1'});
psql("COPY (SELECT repeat('x', 1000) FROM generate_series(1, $_)) TO '$data/fill$_'") foreach (40000, 20000, 10000, 5000, 2000, 1000);
foreach (1 .. 400)
{
	my $id = $next++;

	push @acknowledged, $id if start_work($id, $id) eq '1';
	last if is_full();
}
ok(is_full(), 'the disk is full') or note(slurp("$sockets/server.log"));
my ($status, $error) = attempt(q{SET ROLE regress_user; SELECT df_start('steps', '1', 'no space ' || n) FROM generate_series(1, 20000) AS n});

isnt($status, 0, 'a client gets an error');
note($error);
wait_for(sub { return psql('SELECT 1') eq '1' }, 'the server, which may have crashed');
psql("COPY (SELECT 1 WHERE false) TO '$data/$_'") foreach map { "fill$_" } 1, 40000, 20000, 10000, 5000, 2000, 1000;
my $freed = time();

wait_for(sub { return done() >= @acknowledged }, 'what was acknowledged');
note(sprintf('%d starts were acknowledged; all done %.1f s after there was space', scalar(@acknowledged), time() - $freed));
cmp_ok(time() - $freed, '<', bar(10), 'work goes on soon after there is space');
is(psql('SELECT count(*) FROM unnest(ARRAY[' . join(',', @acknowledged) . q{]) AS n
	WHERE NOT EXISTS (SELECT FROM df.instances WHERE instance_id = 'i' || n AND output = to_jsonb(n))}),
	'0', 'every acknowledged start has the right result');
is(psql(q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Completed'}), '0', 'nothing has failed for want of space');
is(psql('SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
is($worker->term, 0, 'it was the same worker all the time');
$server->signal('INT');
$server->wait_exit;

sub start_work
{
	my ($from, $to) = @_;
	my ($exit, undef, $out) = attempt(
		"SET ROLE regress_user; SELECT count(df_start('steps', to_jsonb(n), 'i' || n)) FROM generate_series($from, $to) AS n");

	return $exit == 0 ? $out : '';
}

sub done { return psql(q{SELECT count(*) FROM df.instances WHERE runtime_status = 'Completed'}) || 0; }

sub is_full
{
	return slurp("$sockets/server.log") =~ /No space left on device/;
}

# What a statement returns, '' when it fails.
sub psql
{
	my ($exit, $error_text, $out) = attempt(@_);

	return $exit == 0 ? $out : '';
}

# (exit status, error, output)
sub attempt
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ "$ENV{BINDIR}/psql", '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', "$conninfo user=postgres", '-c', $sql ],
		\'', \$out, \$err);
	chomp($out);
	return ($? >> 8, $err, $out);
}

done_testing();
