// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let swiftMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   checks it; FANFOLD names the program
        NAME     = rows
        LIBRARY  = libfanfold-$(NAME).so
        FANFOLD ?= fanfold

        $(LIBRARY): Package.swift exports.map $(wildcard Sources/*/*.swift)
        	swift build -c release --product fanfold-$(NAME)
        	cp "$$(swift build -c release --show-bin-path)/$(LIBRARY)" $@

        test: $(LIBRARY)
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -rf .build $(LIBRARY)

        .PHONY: test clean

        """#
}
