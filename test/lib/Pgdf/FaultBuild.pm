# test/lib/Pgdf/FaultBuild.pm: servers and workers with fault points (test/faults).
#
# A test that uses this says "# needs: faults": then test/run builds and installs them.

package Pgdf::FaultBuild;

use strict;
use warnings;

use Exporter 'import';
use Pgdf::Test;

our @EXPORT = qw(fault_points use_fault_build fault_worker_env);

# The names in a header: 'extension' or 'worker'.
sub fault_points
{
	my ($side) = @_;

	return slurp("$ENV{PGDF_TEST_DIR}/../$side/fault.h") =~ /^\tpoint\((\w+)\)/mg;
}

# Sessions that begin from now on load the other library in this database.
sub use_fault_build
{
	my ($node, $db, %settings) = @_;

	$node->safe_psql($db, q{UPDATE pg_proc SET probin = '$libdir/pgdf-faults' WHERE probin = '$libdir/pgdf'});
	$node->safe_psql($db, "ALTER DATABASE $db SET pgdf.$_ = '$settings{$_}'") foreach sort keys %settings;
	return;
}

# Environment of a worker whose faults are armed in this directory.
sub fault_worker_env
{
	my ($dir, $hang_ms) = @_;

	return { PGDF_FAULT_DIR => $dir, PGDF_FAULT_HANG => $hang_ms };
}

1;
