# Two workers share the tasks of one instance: both do some, nothing is done twice.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();

sub settings
{
	my ($name) = @_;

	return { exec => { Note => { argv => [ '/bin/sh', '-c',
		qq{echo "\$PGDF_IDEMPOTENCY_KEY" >> $dir/$name; sleep 0.01; cat} ] } } };
}

$node->safe_psql('postgres', q{
	CREATE FUNCTION note_all(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity('Note', to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	SELECT df_register_orchestrator('note_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my @workers = map {
	start_worker($node, name => $_, config => settings($_), args => [ '--max-activities', 5 ])
} qw(left right);
my $id = df_start($node, 'note_all', '200', user => 'regress_user');

wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '20100', 'the result is right');

my @left = split(/\n/, slurp("$dir/left"));
my @right = split(/\n/, slurp("$dir/right"));
my %keys = map { $_ => 1 } @left, @right;

cmp_ok(scalar(@left), '>', 20, 'one worker did a part');
cmp_ok(scalar(@right), '>', 20, 'the other did a part');
is(@left + @right, 200, 'nothing was done twice');
is(scalar(keys %keys), 200, 'everything was done');
is($_->term, 0, 'a worker stops') foreach @workers;

doctor_finds_nothing($node);
done_testing();
