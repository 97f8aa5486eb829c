// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/Makefile: change that, then run it.
extension PluginTemplates {
    static let rustMakefile = #"""
        # make        builds libfanfold-rows.so
        # make test   checks it; FANFOLD names the program
        NAME     = rows
        LIBRARY  = libfanfold-$(NAME).so
        FANFOLD ?= fanfold

        export RUSTFLAGS = -C link-arg=-Wl,-z,now -C link-arg=-Wl,-z,relro -C link-arg=-Wl,-z,nodelete

        $(LIBRARY): Cargo.toml $(wildcard src/*.rs)
        	cargo build --release --offline --quiet
        	cp target/release/libfanfold_$(subst -,_,$(NAME)).so $@

        test: $(LIBRARY)
        	$(FANFOLD) plugin check ./$(LIBRARY)

        clean:
        	rm -rf target $(LIBRARY)

        .PHONY: test clean

        """#
}
