import Foundation
import Testing

/// Plugins from outside the package, and the ones inside as the linker left them.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct PluginCommandTests {
    static let bundled = [
        "data-parallel", "model-parallel", "pipeline-parallel", "ensemble", "function-parallel",
    ]

    private static func hasExample(_ name: String) -> Bool {
        FileManager.default.fileExists(
            atPath: Fanfold.root.appendingPathComponent("examples/\(name)").path)
    }

    @Test(.enabled(if: Fanfold.has("nm"), "nm (binutils) is missing"), arguments: bundled)
    func `a plugin shows one symbol`(_ name: String) async throws {
        let library = Fanfold.products.appendingPathComponent("libfanfold-\(name).so").path
        let symbols = lines(
            try await shell("nm -D --defined-only '\(library)'"))
        #expect(symbols.count == 1, "\(symbols)")
        #expect(symbols.first?.contains("fanfold_plugin") == true)
    }

    @Test func `the bundled plugins are listed and shown`() async throws {
        let list =
            String(bytes: try await Fanfold.output(["plugin", "list"]), encoding: .utf8) ?? ""
        for name in Self.bundled {
            #expect(list.contains(name))
            let shown = try await Fanfold.output(["plugin", "show", "fanfold.\(name)"])
            #expect(!shown.isEmpty)
        }
    }

    @Test(arguments: bundled + ["aws", "gcp", "docker", "slurm", "ray"])
    func `a bundled plugin passes every check that the host relies on`(
        _ name: String
    ) async throws {
        let library = Fanfold.products.appendingPathComponent("libfanfold-\(name).so").path
        let checked = try await Fanfold.run(["plugin", "check", library, "--output", "json"])
        #expect(checked.code == 0, "\(checked.text)\(checked.errors)")
    }

    @Test func `the schema for editors knows what every bundled strategy takes`() async throws {
        let text = String(bytes: try await Fanfold.output(["schema"]), encoding: .utf8) ?? ""
        for name in Self.bundled { #expect(text.contains("#/$defs/\(name)\"")) }
        #expect(!text.contains("fanfold:run"))
    }

    @Test(
        .enabled(
            if: hasExample("c-rows") && Fanfold.has("make"), "examples/c-rows or make is missing"))
    func `the example in C is built and run`() async throws {
        try await buildAndRun("c-rows", with: "make -s")
    }

    @Test(
        .enabled(
            if: hasExample("rust-rows") && Fanfold.has("cargo"),
            "examples/rust-rows or cargo is missing"))
    func `the example in Rust is built and run`() async throws {
        try await buildAndRun("rust-rows", with: "make -s")
    }

    @Test(
        .enabled(if: Fanfold.has("make") && Fanfold.has("g++"), "make or g++ is missing"),
        arguments: ["c-words", "c-cloud", "cpp-words"])
    func `an example passes its tests and its check where it lies`(_ name: String) async throws {
        _ = try await shell(
            "make -s -C examples/\(name) test FANFOLD='\(Fanfold.program)'", seconds: 300)
    }

    @Test(
        .enabled(if: Fanfold.has("make") && Fanfold.has("cargo"), "make or cargo is missing"),
        arguments: ["rust-cloud"])
    func `an example in Rust passes its tests and its check where it lies`(
        _ name: String
    ) async throws {
        _ = try await shell(
            "make -s -C examples/\(name) test FANFOLD='\(Fanfold.program)'", seconds: 300)
    }

    /// Builds an example where it lies, checks its plugin, and runs its pipeline.
    private func buildAndRun(_ name: String, with build: String) async throws {
        _ = try await shell("cd examples/\(name) && \(build)", seconds: 300)
        let found = lines(
            try await shell("find examples/\(name) -name 'libfanfold*.so' | head -n 1"))
        let library = try #require(found.first, "the build left no libfanfold*.so")
        let checked = try await Fanfold.run(["plugin", "check", library])
        #expect(checked.code == 0, "\(checked.text)\(checked.errors)")
        let pipelines = lines(try await shell("ls examples/\(name)/*.yaml"))
        #expect(!pipelines.isEmpty)
        for pipeline in pipelines {
            #expect(!(try await Fanfold.output(["run", pipeline])).isEmpty)
        }
    }
}
