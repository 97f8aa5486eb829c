// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let swiftMakefile = #"""
        # make          builds libfanfold-rows.so, for a host that was built by the same compiler
        # make static   builds it with a Swift runtime of its own, for every host
        # make test     tests the logic, then checks the library; FANFOLD names the program
        PLUGIN  ?= rows
        LIBRARY  = libfanfold-$(PLUGIN).so
        FANFOLD ?= fanfold
        SOURCES  = Package.swift exports.map $(wildcard Sources/*/*.swift)
        BUILD    = swift build -c release --product fanfold-$(PLUGIN)
        STATIC   = --scratch-path .build/static -Xswiftc -static-stdlib

        all: $(LIBRARY)

        $(LIBRARY): $(SOURCES)
        	$(BUILD)
        	cp "$$($(BUILD) --show-bin-path)/$(LIBRARY)" $@

        static: $(SOURCES)
        	$(BUILD) $(STATIC)
        	cp "$$($(BUILD) $(STATIC) --show-bin-path)/$(LIBRARY)" $(LIBRARY)

        test: $(LIBRARY)
        	swift test
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -rf .build $(LIBRARY)

        .PHONY: all static test clean

        """#
}
