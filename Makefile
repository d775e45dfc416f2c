# Makefile: delegates to extension/ (PGXS), worker/ and test/.  `make help` lists the targets.

PG_CONFIG ?= pg_config
export PG_CONFIG
prefix ?= /usr/local
bindir ?= $(prefix)/bin
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system

VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" extension/pgdf.control)
INSTALL = install
# One build at a time in one tree, however many makes run in it.
EXTENSION_MAKE = flock extension $(MAKE) -C extension
WORKER_MAKE = flock worker $(MAKE) -C worker
UNIT_MAKE = flock test/unit $(MAKE) -C test/unit
C_FILES = $(wildcard extension/*.[ch] worker/*.[ch] test/unit/*.[ch])

all: extension worker  ## build the extension and the worker (default)

help:  ## list the targets
	@awk -F '[:#]+ *' '/^[a-z][a-z_. -]*:.*##/ { printf "%-24s %s\n", $$1, $$NF }' $(firstword $(MAKEFILE_LIST))

deps:  ## install what is needed to build, run the demo and run the tests (Debian, Ubuntu)
	packaging/deps

extension:
	$(EXTENSION_MAKE)

worker:
	$(WORKER_MAKE)

unit:
	$(UNIT_MAKE)

install: all  ## install into PG_CONFIG's server and under prefix=/usr/local; DESTDIR= is obeyed
	$(EXTENSION_MAKE) install
	$(INSTALL) -d '$(DESTDIR)$(bindir)' '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(unitdir)'
	$(INSTALL) -m 755 worker/pgdf '$(DESTDIR)$(bindir)/pgdf'

installcheck: worker  ## run the SQL tests on a running server that has the extension installed (PGHOST, PGPORT, ...)
	test/run --installcheck

demo:  ## back up DIR=/usr/share/doc with a private server and a worker; KEEP=1 leaves them running
	packaging/demo/run

demo-stop:  ## stop what KEEP=1 left running
	packaging/demo/run stop

check: all unit  ## every test, in a scratch installation
	test/run

check-unit: unit  ## pure C
	test/run unit

check-regress: all  ## SQL, one connection
	test/run regress

check-isolation: all  ## SQL, races
	test/run isolation

check-tap: all  ## processes, crashes, HTTP
	test/run tap

clean:  ## leave a pristine tree
	$(EXTENSION_MAKE) clean
	$(WORKER_MAKE) clean
	$(UNIT_MAKE) clean
	rm -rf build demo compile_commands.json META.json

.PHONY: all help deps extension worker unit install installcheck demo demo-stop check check-unit check-regress \
	check-isolation check-tap clean
