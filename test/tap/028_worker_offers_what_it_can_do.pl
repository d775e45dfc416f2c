# A worker without a blob store leaves copying to one that has a store.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $bare = start_worker($node, name => 'bare');
is(offered($bare), 'df_http,e2_getfilelist,noop', 'without a store nothing is copied');

my $store = temp_dir();
my $full = start_worker($node, name => 'full', args => [ '--blob-store', "file://$store" ]);
is(offered($full), 'df_http,e2_copyfiletoblob,e2_getfilelist,noop', 'with a store it is');

is($bare->term, 0, 'the first one stops');
is($full->term, 0, 'the second one stops');
done_testing();

# What a worker has told the database.
sub offered
{
	my ($worker) = @_;

	return $node->safe_psql('postgres',
		"SELECT string_agg(a, ',' ORDER BY a) FROM df.worker_sessions AS w, unnest(w.activities) AS a WHERE w.name = '$worker->{name}'");
}
