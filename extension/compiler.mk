# extension/compiler.mk, after PGXS: the server may have been built by a newer compiler, with a warning that this one does not know.

ifneq ($(shell $(CC) -Wmissing-variable-declarations -fsyntax-only -x c /dev/null 2>&1),)
override CFLAGS := $(filter-out -Wmissing-variable-declarations,$(CFLAGS))
endif
