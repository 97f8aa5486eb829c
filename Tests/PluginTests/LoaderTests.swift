@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

private func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return "\(error)"
    }
}

@Suite struct LoaderTests {
    private let folder = TemporaryFolder()

    private func loading(_ macros: [String: String], flags: [String] = []) -> String {
        let path = CPlugin.build(in: folder, macros, flags: flags)
        return message { _ = try registry(folder).load(path: path).component() }
            .replacing(folder.path, with: "")
    }

    @Test func `a plugin is found by its component's short or full id`() throws {
        _ = CPlugin.build(in: folder)
        let registry = registry(folder)
        let plugin = try registry.plugin(providing: "echo")
        let component = try plugin.component(named: "echo")
        #expect(component.id == "fanfold.echo")
        #expect(component.shortID == "echo")
        #expect(component.kind == .strategy)
        #expect(component.version == "1.0.0")
        #expect(component.builtMinor == 7)
        #expect(component.license == nil)
        #expect(component.schema?.fillingDefaults([:]) == ["size": 4])
        #expect(try registry.plugin(providing: "fanfold.echo") === plugin)
    }

    @Test func `what is loaded is a copy under its hash`() throws {
        let path = CPlugin.build(in: folder)
        let plugin = try registry(folder).load(path: path)
        let hash = plugin.inspection.sha256
        #expect(plugin.library == "\(folder.path)/cache/deep/\(hash)/libfanfold-echo.so")
        var status = stat()
        #expect(stat(plugin.library, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o555)
    }

    @Test func `a damaged copy is replaced`() throws {
        let path = CPlugin.build(in: folder)
        let hash = try registry(folder).inspect(path: path).sha256
        _ = run(["mkdir", "-p", "\(folder.path)/cache/deep/\(hash)"])
        let copy = folder.write("cache/deep/\(hash)/libfanfold-echo.so", "broken".utf8)
        let plugin = try registry(folder).load(path: path)
        #expect(plugin.library == copy)
        #expect(try FileBytes(path: copy).sha256 == hash)
    }

    @Test func `the pin must fit`() throws {
        let path = CPlugin.build(in: folder)
        let registry = registry(folder)
        let hash = try registry.inspect(path: path).sha256
        _ = try registry.load(path: path, sha256: hash.uppercased())
        let wrong = String(repeating: "0", count: 64)
        #expect(throws: PluginLoadError.wrongHash(path: path, wanted: wrong, found: hash)) {
            try registry.load(path: path, sha256: wrong)
        }
        #expect(throws: PluginLoadError.badPin(text: "6f1c")) {
            try registry.load(path: path, sha256: "6f1c")
        }
    }

    @Test func `only files of the right name are candidates, and none is opened`() throws {
        _ = folder.write("libfanfold-b.so", "not a library".utf8)
        _ = folder.write("libfanfold-a.so", [])
        _ = folder.write("libfanfold-.so", [])
        _ = folder.write("libother.so", [])
        _ = folder.write("libfanfold-c.so.1", [])
        #expect(registry(folder).candidates().map(\.name) == ["a", "b"])
    }

    @Test func `an unknown name says what is there and what was meant`() throws {
        _ = CPlugin.build(in: folder)
        #expect(
            message { _ = try registry(folder).plugin(providing: "ehco") } == """
                no plugin "ehco": libfanfold-ehco.so is not in \(folder.path); there is echo; \
                did you mean "echo"?
                """)
    }

    @Test func `what breaks the contract is said in our words`() {
        let cases: [([String: String], String)] = [
            (["ENTRY": "fanfold_plugin_v2"], "ABI major 2, this host speaks 1"),
            (
                ["ENTRY": "something_else"],
                "does not export fanfold_plugin_v1, so it is no Fanfold plugin; it exports something_else"
            ),
            (["CREATE": "NULL"], "fan_plugin.create is NULL"),
            (["DESTROY": "NULL"], "fan_plugin.destroy is NULL"),
            (["COMPONENTS": "NULL"], "fan_plugin.components is NULL"),
            (["COMPONENTS": "components + 1"], "it lists no component"),
            (["PLUGIN_SIZE": "39"], "fan_plugin.struct_size is 39, wanted at least 40"),
            (["COMPONENT_SIZE": "8"], "component number 0: fan_component.struct_size is 8"),
            (
                ["NEEDS_MINOR": "9"],
                "fanfold.echo in /libfanfold-echo.so needs ABI 1.9, this host speaks 1.0"
            ),
            (["ID": "NULL"], "fan_component.id is NULL"),
            (["ID": "\"Echo!\""], "id \"Echo!\" must be made of"),
            (["SUMMARY": "\"\\xff\\xfe\""], "summary is not UTF-8"),
            (
                ["SUMMARY": "\"" + String(repeating: "a", count: 256) + "\""],
                "summary is longer than 255 bytes"
            ),
            (["SCHEMA": "\"{\""], "config_schema: 1:2: wanted a key"),
            (["SCHEMA": "\"{\\\"minimun\\\":1}\""], "unknown keyword \"minimun\""),
            (
                ["SERVICES": "(const char *const[]){\"fanfold.http/9\", NULL}"],
                "needs the host's service fanfold.http/9"
            ),
        ]
        for (macros, expected) in cases {
            let found = loading(macros)
            #expect(found.contains(expected), "\(macros): \(found)")
        }
    }

    @Test func `a name at the limit and a larger struct are fine`() {
        let longest = "\"" + String(repeating: "a", count: 255) + "\""
        #expect(loading(["SUMMARY": longest]) == "no error")
        #expect(loading(["PLUGIN_SIZE": "400", "COMPONENT_SIZE": "4000"]) == "no error")
    }

    @Test(arguments: [(256, "no error"), (257, "it lists more than 256 components")])
    func `more components than the limit are refused`(_ count: Int, _ expected: String) {
        let path = CPlugin.build(
            in: folder,
            [
                "COMPONENTS": "list",
                "EARLY": """
                static fan_component many[257]; static char names[257][8]; \
                static const fan_component *list[258]; \
                __attribute__((constructor)) static void fill(void) { \
                  for (int k = 0; k < \(count); k++) { many[k] = component; \
                    sprintf(names[k], "c%d", k); many[k].id = names[k]; list[k] = &many[k]; } }
                """,
            ], flags: ["-include", "stdio.h"])
        #expect(message { _ = try registry(folder).load(path: path) }.contains(expected))
    }

    @Test func `a plugin with other symbols is loaded with a warning`() throws {
        let path = CPlugin.build(in: folder, ["EXTRA": "FAN_EXPORT int leaked = 1;"])
        let log = LogLines()
        _ = try registry(folder, log: log).load(path: path)
        #expect(log.text.contains("shows 1 symbols beside fanfold_plugin_v1, for example leaked"))
    }

    @Test func `a missing library is named before the linker is asked`() throws {
        _ = folder.write("gone.c", "int gone(void) { return 1; }".utf8)
        let library = folder.path + "/libgone.so.7"
        #expect(
            run([
                "cc", "-shared", "-fPIC", "-Wl,-soname,libgone.so.7", folder.path + "/gone.c", "-o",
                library,
            ]) == 0)
        let extra = ["EXTRA": "int gone(void); int use(void) { return gone(); }"]
        let path = CPlugin.build(in: folder, extra, flags: ["-Wl,--no-as-needed", library])
        unlink(library)
        #expect(
            message { _ = try registry(folder).load(path: path) }
                .contains("needs the library libgone.so.7, which is not installed"))
    }

    @Test func `a plugin that needs a neighbour is opened where it lies`() throws {
        _ = folder.write("near.c", "int near_one(void) { return 1; }".utf8)
        let library = folder.path + "/libnear.so"
        #expect(
            run([
                "cc", "-shared", "-fPIC", "-Wl,-soname,libnear.so", folder.path + "/near.c", "-o",
                library,
            ]) == 0)
        let extra = ["EXTRA": "int near_one(void); int use(void) { return near_one(); }"]
        let path = CPlugin.build(
            in: folder, extra,
            flags: ["-Wl,--no-as-needed", library, "-Wl,-rpath,$ORIGIN", "-Wl,--enable-new-dtags"])
        #expect(try registry(folder).load(path: path).library == path)
    }

    @Test func `a symbol that is nowhere is the linker's word`() throws {
        let extra = ["EXTRA": "int nowhere(void); FAN_EXPORT int use(void) { return nowhere(); }"]
        let path = CPlugin.build(in: folder, extra)
        #expect(
            message { _ = try registry(folder).load(path: path) }
                .contains("the dynamic linker refuses"))
    }

    @Test func `what is no plain file is refused without waiting`() {
        let pipe = folder.path + "/pipe"
        mkfifo(pipe, 0o600)
        #expect(throws: PluginLoadError.notAFile(path: pipe)) { try FileBytes(path: pipe) }
        #expect(throws: PluginLoadError.notAFile(path: folder.path)) {
            try FileBytes(path: folder.path)
        }
        let four = folder.write("four", [1, 2, 3, 4])
        #expect(throws: Never.self) { try FileBytes(path: four, limit: 4) }
        #expect(throws: PluginLoadError.tooLarge(path: four, bytes: 4)) {
            try FileBytes(path: four, limit: 3)
        }
    }

    @Test func `the hash is SHA-256`() {
        func hex(_ text: String) -> String {
            Array(text.utf8).withUnsafeBytes { SHA256.hex($0) }
        }
        #expect(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            hex(String(repeating: "a", count: 1_000_000))
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}

@Suite struct ELFTests {
    private let folder = TemporaryFolder()

    private func reading(_ bytes: [UInt8]) -> String {
        message { _ = try bytes.withUnsafeBytes { try ELFFacts($0, path: "x.so") } }
    }

    private func good() throws -> [UInt8] {
        try FileBytes(path: CPlugin.build(in: folder)).withBytes { Array($0) }
    }

    @Test func `a good file says what it exports and needs`() throws {
        let facts = try good().withUnsafeBytes { try ELFFacts($0, path: "x.so") }
        #expect(facts.exports == ["fanfold_plugin_v1"])
        #expect(facts.needed == ["libc.so.6"])
    }

    @Test func `the older hash table is read as well`() throws {
        let path = CPlugin.build(in: folder, flags: ["-Wl,--hash-style=sysv"])
        let facts = try registry(folder).inspect(path: path).facts
        #expect(facts.exports == ["fanfold_plugin_v1"])
    }

    @Test func `each wrong header has its own sentence`() throws {
        func patched(_ offset: Int, _ value: UInt8) throws -> String {
            var bytes = try good()
            bytes[offset] = value
            return reading(bytes)
        }
        #expect(try patched(0, 0).contains("not a Linux shared library"))
        #expect(try patched(4, 1).contains("32-bit machine"))
        #expect(try patched(5, 2).contains("big-endian"))
        #expect(try patched(16, 1).contains("an object file"))
        #if arch(x86_64)
            #expect(
                try patched(18, 183).contains("built for aarch64, this host is x86-64"))
        #endif
        #expect(reading([]).contains("an empty file"))
        #expect(reading(Array("#!/bin/sh\n".utf8)).contains("a script"))
        #expect(reading(Array("hello".utf8)).contains("a text file"))
    }

    @Test func `a file cut anywhere is an error and never a crash`() throws {
        let bytes = try good()
        for length in stride(from: 64, to: min(4_096, bytes.count), by: 64) {
            #expect(reading(Array(bytes[..<length])).contains("truncated"), "\(length)")
        }
        #expect(reading(Array(bytes.dropLast())).contains("truncated"))
    }

    @Test func `random damage is never a crash`() throws {
        let bytes = try good()
        var random = SplitMix(seed: 7)
        for _ in 0..<2_000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let place = Int.random(in: 0..<min(bytes.count, 2_048), using: &random)
                damaged[place] = UInt8.random(in: 0...255, using: &random)
            }
            _ = reading(damaged)
        }
    }

    @Test func `a program is no library`() throws {
        let source = folder.write("p.c", "int main(void) { return 0; }".utf8)
        let program = folder.path + "/p"
        #expect(run(["cc", "-fPIE", "-pie", source, "-o", program]) == 0)
        #expect(reading(try FileBytes(path: program).withBytes { Array($0) }).contains("a program"))
    }
}

/// Random numbers that are the same on every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
