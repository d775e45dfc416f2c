-- needs: plperl
-- An orchestrator in PL/Perl: eval does not swallow a suspension, though it loses the SQLSTATE.

CREATE EXTENSION plperl;
CREATE FUNCTION pl_plain(n jsonb) RETURNS jsonb LANGUAGE plperl AS $$
    return spi_exec_query("SELECT df_call_activity('double', '21') AS r")->{rows}[0]{r};
$$;
CREATE FUNCTION pl_eval() RETURNS jsonb LANGUAGE plperl AS $$
    my $r = eval { spi_exec_query("SELECT df_call_activity('double', '21') AS r")->{rows}[0]{r} };
    return defined $r ? $r : '"swallowed"';
$$;
CREATE FUNCTION pl_dies() RETURNS jsonb LANGUAGE plperl AS $$
    my $r = eval { spi_exec_query("SELECT df_call_activity('double', '21') AS r")->{rows}[0]{r} };
    die "of my own\n" if !defined $r;
    return $r;
$$;
CREATE FUNCTION pl_loops() RETURNS jsonb LANGUAGE plperl AS $$
    foreach my $i (1 .. 50) {
        my $r = eval { spi_exec_query("SELECT df_call_activity('double', '21') AS r")->{rows}[0]{r} };
        return $r if defined $r;
    }
    return '"swallowed"';
$$;
SET pgdf.orchestrator_languages = 'plpgsql, plperl';
CREATE TABLE shapes AS SELECT proname::text AS name FROM pg_proc WHERE proname LIKE 'pl\_%' AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plperl');
SELECT count(df_register_orchestrator(name, name)) FROM shapes;
SELECT count(df_start(name, NULL, name)) FROM shapes;
CALL test.run(room => 0);
SELECT name, i.status, i.output, i.tasks FROM shapes, test.instance(name) i ORDER BY 1;
CALL test.run();
SELECT name, i.status, i.output, i.turns, i.error_type, i.error FROM shapes, test.instance(name) i ORDER BY 1;
