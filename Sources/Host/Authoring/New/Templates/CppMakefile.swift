// swift-format-ignore-file
// Written by scripts/embed-templates from examples/cpp-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let cppMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   runs test.cpp, then checks the library; FANFOLD names the program
        PLUGIN  ?= rows
        LIBRARY  = libfanfold-$(PLUGIN).so
        FANFOLD ?= fanfold
        # Where fanfold_plugin.h and fanfold_plugin.hpp are, and exports.map.
        INCLUDE ?= ../../Sources/PluginABI/C/include
        HEADERS_CPP ?= ../../Sources/PluginABI/Cpp
        EXPORTS ?= ../../Sources/PluginABI/exports.map
        HEADERS  = $(wildcard *.h *.hpp) $(INCLUDE)/fanfold_plugin.h $(wildcard $(HEADERS_CPP)/*.hpp)

        CXXFLAGS += -std=c++17 -O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -I$(INCLUDE) -I$(HEADERS_CPP)
        # The script hides what the standard library's templates would show.
        LDFLAGS  += -shared -Wl,--version-script=$(EXPORTS) -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete \
                    -Wl,-z,noexecstack

        all: $(LIBRARY)

        $(LIBRARY): $(PLUGIN).cpp $(HEADERS) $(EXPORTS)
        	$(CXX) $(CXXFLAGS) $< $(LDFLAGS) -o $@

        test: $(LIBRARY)
        	$(CXX) $(CXXFLAGS) test.cpp -o unit-test
        	./unit-test
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -f $(LIBRARY) unit-test

        .PHONY: all test clean

        """#
}
