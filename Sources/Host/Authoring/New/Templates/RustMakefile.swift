// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let rustMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   runs the tests in src/lib.rs, then checks the library; FANFOLD names the program
        PLUGIN  ?= rows
        LIBRARY  = libfanfold-$(PLUGIN).so
        FANFOLD ?= fanfold

        export RUSTFLAGS = -C link-arg=-Wl,-z,now -C link-arg=-Wl,-z,relro -C link-arg=-Wl,-z,nodelete

        all: $(LIBRARY)

        $(LIBRARY): Cargo.toml $(wildcard src/*.rs)
        	cargo build --release --offline --quiet
        	cp target/release/libfanfold_$(subst -,_,$(PLUGIN)).so $@

        test: $(LIBRARY)
        	cargo test --offline --quiet
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -rf target $(LIBRARY)

        .PHONY: all test clean

        """#
}
