// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let cMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   runs test.c, then checks the library; FANFOLD names the program
        PLUGIN  ?= rows
        LIBRARY  = libfanfold-$(PLUGIN).so
        FANFOLD ?= fanfold
        # Where fanfold_plugin.h is.
        INCLUDE ?= ../../Sources/PluginABI/C/include

        CFLAGS  += -std=c11 -O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -I$(INCLUDE)
        LDFLAGS += -shared -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,noexecstack

        all: $(LIBRARY)

        $(LIBRARY): $(PLUGIN).c $(wildcard *.h) $(INCLUDE)/fanfold_plugin.h
        	$(CC) $(CFLAGS) $< $(LDFLAGS) -o $@

        test: $(LIBRARY)
        	$(CC) $(CFLAGS) test.c -o unit-test
        	./unit-test
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -f $(LIBRARY) unit-test

        .PHONY: all test clean

        """#
}
