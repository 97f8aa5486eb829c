@preconcurrency import Glibc
import Testing

/// The example in C, broken in one way each: `plugin check` must say so, and say which.
struct BrokenPlugin: Sendable, CustomTestStringConvertible {
    var check: String
    var find: String
    var replace: String
    var testDescription: String { check }

    static let corpus = [
        BrokenPlugin(
            check: "exports-one", find: "static const fan_plugin plugin",
            replace: "extern FAN_EXPORT int shown; static const fan_plugin plugin"),
        BrokenPlugin(
            check: "create-default", find: "fan_instance *instance = calloc(1, sizeof *instance);",
            replace: "*(volatile int *)0 = 1; fan_instance *instance = NULL;"),
        BrokenPlugin(
            check: "create-destroy-1000", find: "instance->tasks->id);\n   free(instance);",
            replace: "instance->tasks->id);"),
        BrokenPlugin(
            check: "create-unknown-component", find: "if (strcmp(component->id, rows.id))",
            replace: "if (component == NULL)"),
        BrokenPlugin(
            check: "query-unknown", find: "strcmp(id, \"fanfold.strategy/1\") ? NULL : &strategy",
            replace: "*id == 'x' ? NULL : &strategy"),
        BrokenPlugin(
            check: "config-fuzz", find: "\"config./items\"", replace: "\"somewhere\""),
        BrokenPlugin(
            check: "error-hygiene", find: "\"spec is not JSON\"", replace: "\"\""),
        BrokenPlugin(
            check: "process-manners", find: "uint64_t chunk = 1000;",
            replace: "uint64_t chunk = 1000; setenv(\"FANFOLD_BROKEN\", \"1\", 1);"),
        BrokenPlugin(
            check: "old-host-new-plugin", find: "uint64_t chunk = 1000;",
            replace: "uint64_t chunk = 1000 + 0 * ((const volatile char *)host)[sizeof *host];"),
        BrokenPlugin(
            check: "new-host-old-plugin", find: "uint64_t chunk = 1000;",
            replace: "uint64_t chunk = 1000; if (host->struct_size != sizeof *host) return 9;"),
        BrokenPlugin(
            check: "partition-complete", find: "t->next_item += count;",
            replace: "t->next_item += count + (t->next_item == 0 && count < t->items);"),
        BrokenPlugin(
            check: "merge-order-free", find: "kept *slot = &t->results[result->subtask];",
            replace: "uint64_t at = 0; while (at < t->room && t->results[at].parts) at++; "
                + "kept *slot = &t->results[at < t->room ? at : 0];"),
        BrokenPlugin(
            check: "deterministic", find: "instance->chunk = chunk;",
            replace: "static uint64_t salt; instance->chunk = chunk + salt++ % 7;"),
        BrokenPlugin(
            check: "failure-paths", find: "*verdict = FAN_FAILED_TASK;", replace: "*verdict = 9;"),
        BrokenPlugin(
            check: "blob-release", find: "result->parts[i].release = NULL;", replace: ""),
    ]
}

@Suite(.serialized) struct CheckTests {
    @Test(.timeLimit(.minutes(2)))
    func `the example in C passes every check that the host relies on`() throws {
        let library = try CheckRig.build("good")
        let (code, text) = CheckRig.check(library)
        #expect(code == 0, "\(text)")
        #expect(text.contains(" 0 failed"))
    }

    @Test(.timeLimit(.minutes(2)), arguments: BrokenPlugin.corpus)
    func `a plugin that is broken in one way fails the check for it`(_ broken: BrokenPlugin) throws
    {
        let tail = broken.check == "exports-one" ? "\nFAN_EXPORT int shown = 1;\n" : ""
        let library = try CheckRig.build(broken.check, tail: tail) {
            let parts = $0.split(separator: broken.find, maxSplits: 1).map(String.init)
            try #require(parts.count == 2, "the example no longer says \(broken.find)")
            return parts[0] + broken.replace + parts[1]
        }
        let (code, text) = CheckRig.check(library, "--only", broken.check)
        #expect(code == 1, "\(text)")
        #expect(
            text.contains("FAILED  \(broken.check)") || text.contains("CRASHED  \(broken.check)"))
        #expect(text.contains("reproduce: fanfold plugin check"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `five ways of being no plugin give five different messages`() throws {
        let other = try CheckRig.build("major") {
            $0.replacing("*fanfold_plugin_v1(void) {", with: "*fanfold_plugin_v2(void) {")
        }
        let nothing = try CheckRig.build("nothing") {
            $0.replacing(
                "FAN_EXPORT const fan_plugin *fanfold_plugin_v1",
                with: "int shown;\n"
                    + "const fan_plugin *fanfold_plugin_v1x(void);\nconst fan_plugin *fanfold_plugin_v1x"
            )
        }
        let crash = try CheckRig.build("crash") {
            $0.replacing(
                "fan_instance *instance = calloc(1, sizeof *instance);",
                with: "abort(); fan_instance *instance = NULL;")
        }
        let good = try CheckRig.build("whole")
        let machine = CheckRig.folder + "/libfanfold-machine.so"
        CheckRig.run(
            "cp \(good) \(machine) && printf '\\267' | dd of=\(machine) bs=1 seek=18 conv=notrunc")
        let short = CheckRig.folder + "/libfanfold-short.so"
        CheckRig.run("head -c 3000 \(good) > \(short)")
        let wanted = [
            (other, "ABI major 2"), (nothing, "does not export fanfold_plugin_v1"),
            (machine, "is built for"), (short, "truncated"), (crash, "crashed by signal 6"),
        ]
        for (library, message) in wanted {
            let (code, text) = CheckRig.check(library)
            #expect(code == 1)
            #expect(text.contains(message), "\(text)")
        }
    }

    @Test func `the templates of plugin new are those of the examples`() {
        #expect(CheckRig.run("\(CheckRig.root)/scripts/embed-templates --check").code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `plugin new writes a project that builds and refuses to overwrite it`() throws {
        let new = "cd \(CheckRig.folder) && \(CheckRig.program) plugin new fresh --lang c"
        CheckRig.run("rm -rf \(CheckRig.folder)/fresh")
        #expect(CheckRig.run(new).code == 0)
        #expect(CheckRig.run("make -s -C \(CheckRig.folder)/fresh").code == 0)
        #expect(
            CheckRig.run("FANFOLD=\(CheckRig.program) make -s -C \(CheckRig.folder)/fresh test")
                .code == 0)
        let again = CheckRig.run(new)
        #expect(again.code == 2)
        #expect(again.text.contains("exists already"))
    }
}

/// Builds C plugins and runs the program on them.
enum CheckRig {
    static let root = String(
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 })
    static let folder: String = {
        let path = "/tmp/fanfold-check-tests-\(getpid())"
        mkdir(path, 0o755)
        return path
    }()

    /// The program beside the test binary.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4_096)
        readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(
            decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/fanfold"
    }()

    @discardableResult
    static func run(_ command: String) -> (code: Int32, text: String) {
        guard let pipe = popen("(\(command)) 2>&1", "r") else { return (-1, "popen failed") }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 {
            text += buffer[..<count]
        }
        return (pclose(pipe) >> 8 & 0xFF, String(decoding: text, as: UTF8.self))
    }

    static func check(_ library: String, _ more: String...) -> (code: Int32, text: String) {
        run("\(program) plugin check \(library) " + more.joined(separator: " "))
    }

    /// The example in C after `change`, as a library.
    static func build(
        _ name: String, tail: String = "", _ change: (String) throws -> String = { $0 }
    ) throws -> String {
        let example = root + "/examples/c-rows"
        let source = folder + "/\(name).c"
        let library = folder + "/libfanfold-\(name).so"
        let original = run("cat \(example)/rows.c").text
        let file = try #require(fopen(source, "w"))
        fputs(try change(original) + tail, file)
        fclose(file)
        let built = run(
            "cc -std=c11 -D_GNU_SOURCE -O1 -w -fPIC -shared -fvisibility=hidden "
                + "-Wl,-z,now -Wl,-z,relro -I\(root)/Sources/PluginABI/C/include -I\(example) "
                + "\(source) -o \(library)")
        try #require(built.code == 0, "\(built.text)")
        return library
    }
}
