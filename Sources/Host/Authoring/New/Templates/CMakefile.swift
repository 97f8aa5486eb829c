// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let cMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   checks it; FANFOLD names the program
        NAME     = rows
        LIBRARY  = libfanfold-$(NAME).so
        FANFOLD ?= fanfold
        # Where fanfold_plugin.h is.
        INCLUDE ?= ../../Sources/PluginABI/C/include

        CFLAGS  += -std=c11 -O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -I$(INCLUDE)
        LDFLAGS += -shared -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,noexecstack

        $(LIBRARY): $(NAME).c json.h $(INCLUDE)/fanfold_plugin.h
        	$(CC) $(CFLAGS) $< $(LDFLAGS) -o $@

        test: $(LIBRARY)
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -f $(LIBRARY)

        .PHONY: test clean

        """#
}
