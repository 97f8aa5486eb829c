import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of how the file was linked, and of what it needs from the machine.
enum LinkChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "file-size", level: .should, subject: .file,
            summary: "The file has at most 64 MiB.",
            consequence: "Every host that loads it copies it, and every helper maps it.",
            body: size),
        CheckCase(
            name: "needed-libs", level: .should, subject: .file,
            summary: "Every library that it needs is here, and none that a host has too.",
            consequence: "It would not load where that library is missing or another version.",
            body: needed),
        CheckCase(
            name: "glibc-floor", level: .should, subject: .file,
            summary: "The versions of glibc and libstdc++ that it needs are those of Debian 12.",
            consequence: "It would not load on older systems.", body: floor),
        CheckCase(
            name: "bind-now", level: .should, subject: .file,
            summary: "All symbols are resolved when it is loaded.",
            consequence: "A missing symbol would end the host in the middle of a run.",
            body: flag("link it with -Wl,-z,now") { $0.isBoundNow }),
        CheckCase(
            name: "relro", level: .should, subject: .file,
            summary: "Its table of addresses is read-only once it is loaded.",
            consequence: "A stray write could change where its calls go.",
            body: flag("link it with -Wl,-z,relro") { $0.hasRelro }),
        CheckCase(
            name: "no-textrel", subject: .file,
            summary: "Its code is not changed when it is loaded.",
            consequence: "Hardened systems would refuse to load it.",
            body: flag("compile it with -fPIC") { !$0.hasTextRelocations }),
        CheckCase(
            name: "no-execstack", subject: .file,
            summary: "It does not ask for an executable stack.",
            consequence: "Loading it would make the host's stacks executable.",
            body: flag("link it with -Wl,-z,noexecstack") { !$0.hasExecutableStack }),
        CheckCase(
            name: "no-rpath-outside-origin", level: .should, subject: .file,
            summary:
                "It looks for libraries beside itself and where the system looks, nowhere else.",
            consequence: "On another machine somebody else could put a library there.",
            body: runPath),
        CheckCase(
            name: "no-constructors", level: .should, subject: .file,
            summary: "No code of its own runs before the entry function is called.",
            consequence: "A host that only lists its plugins would run code of this one.",
            body: constructors),
        CheckCase(
            name: "debug-info", level: .style, subject: .file,
            summary: "It has a build id, so that its debugging information can be found.",
            consequence: "A crash report could not be read.",
            body: flag("link it with -Wl,--build-id") { $0.hasBuildID }),
    ]

    /// The largest file that raises no doubt, in bytes.
    private static let largeBytes = 64 << 20

    private static func size(_ context: CheckContext) throws -> CheckOutcome {
        var status = stat()
        guard stat(context.path, &status) == 0 else {
            return .failed("cannot look at \(context.path): \(String(cString: strerror(errno)))")
        }
        guard status.st_size <= largeBytes else {
            return .warning(
                "wanted at most \(largeBytes >> 20) MiB, found \(status.st_size >> 20); "
                    + "strip it, or leave weights out of it")
        }
        return .passed("\(status.st_size) bytes")
    }

    private static func needed(_ context: CheckContext) throws -> CheckOutcome {
        let heavy = ["libcurl", "libssl", "libcrypto", "libprotobuf", "libpython", "libc++."]
        let facts = try FileChecks.inspect(context).facts
        let folder = context.path.split(separator: "/", omittingEmptySubsequences: false)
            .dropLast().joined(separator: "/")
        let search = LibrarySearch(
            origin: folder.isEmpty ? "." : folder, runPath: facts.runPath)
        let missing = facts.needed.filter { search.locate($0) == nil }
        guard missing.isEmpty else {
            return .failed(
                "it needs \(missing.joined(separator: ", ")), which this machine does not have; "
                    + "link it statically, or ship it beside the plugin with -Wl,-rpath,$ORIGIN")
        }
        if facts.needed.contains(where: { $0.hasPrefix("libc++.") }) {
            return .warning(
                "it needs libc++, and a host has libstdc++ in the same process; link libc++ "
                    + "statically, with its symbols hidden")
        }
        let doubtful = facts.needed.filter { name in heavy.contains { name.hasPrefix($0) } }
        guard doubtful.isEmpty else {
            return .warning(
                "it needs \(doubtful.joined(separator: ", ")), of which a host may have "
                    + "another version in the same process; link it statically")
        }
        return .passed(facts.needed.joined(separator: ", "))
    }

    static func details(_ context: CheckContext) throws -> LibraryDetails {
        guard let details = LibraryDetails(path: context.path) else {
            throw CheckStop.failed("\(context.path) has no readable dynamic section")
        }
        return details
    }

    /// Releases with the first minor of glibc 2 that they have.
    private static let systems: [(minor: Int, names: String)] = [
        (28, "Debian 10, RHEL 8"), (31, "Debian 11, Ubuntu 20.04"), (35, "Ubuntu 22.04"),
        (36, "Debian 12"), (39, "Ubuntu 24.04"), (41, "Debian 13"),
    ]

    private static func floor(_ context: CheckContext) throws -> CheckOutcome {
        let versions = try details(context).versions
        func newest(_ prefix: String) -> Int? {
            versions.filter { $0.hasPrefix(prefix) }
                .compactMap { Int($0.dropFirst(prefix.count).prefix { $0.isNumber }) }.max()
        }
        let library = newest("GLIBC_2.")
        let compiler = newest("GLIBCXX_3.4.")
        let limits = (library: 36, compiler: 30)
        guard library != nil || compiler != nil else {
            return .passed("needs no version of glibc")
        }
        var text = "runs on glibc >= 2.\(library ?? 0)"
        if let compiler { text += " and libstdc++ >= 3.4.\(compiler)" }
        if let system = systems.first(where: { $0.minor >= library ?? 0 }) {
            text += " (\(system.names) and newer)"
        }
        guard library ?? 0 <= limits.library, compiler ?? 0 <= limits.compiler else {
            return .warning(
                "\(text); Debian 12 has glibc 2.\(limits.library) and libstdc++ "
                    + "3.4.\(limits.compiler): build on an older system")
        }
        return .passed(text)
    }

    private static func runPath(_ context: CheckContext) throws -> CheckOutcome {
        let outside = try details(context).runPaths.filter {
            !$0.hasPrefix("$ORIGIN") && !$0.hasPrefix("${ORIGIN}")
        }
        guard outside.isEmpty else {
            return .failed(
                "it looks for libraries in \(outside.joined(separator: ", ")); wanted $ORIGIN "
                    + "alone: link it without -Wl,-rpath, or with -Wl,-rpath,'$ORIGIN'")
        }
        return .passed()
    }

    /// What compilers put there by themselves: the start files of GCC and LLVM, Swift's list of
    /// its own sections, and Rust's copy of the arguments.
    private static func isOfCompiler(_ name: String) -> Bool {
        ["frame_dummy", "init_have_lse_atomics", "__cpu_indicator_init"].contains(name)
            || name.contains("swift_image_constructor") || name.contains("ARGV_INIT_ARRAY")
    }

    /// What the Swift runtime has run, where it is linked into the file: always with the first.
    private static let swiftRuntime = [
        "MetadataLookup", "Actor", "Backtrace", "CommandLine", "GlobalObjects", "Linux",
    ].map { "_GLOBAL__sub_I_\($0).cpp" }

    private static func constructors(_ context: CheckContext) throws -> CheckOutcome {
        let found = try details(context).initializers
        let runtime = found.contains(swiftRuntime[0]) ? Set(swiftRuntime) : []
        let named = found.filter {
            !$0.isEmpty && !isOfCompiler($0) && !runtime.contains($0)
        }
        guard named.isEmpty else {
            return .failed(
                "\(named.prefix(3).joined(separator: ", ")) runs when it is loaded; do it in "
                    + "create, and let static objects be made at first use")
        }
        let allowed = 2
        guard found.count(where: \.isEmpty) <= allowed else {
            return .failed(
                "\(found.count) functions run when it is loaded, and compilers need "
                    + "\(allowed) at most; its table of symbols, which would name them, is stripped"
            )
        }
        return .passed()
    }

    private static func flag(
        _ advice: String, _ holds: @escaping @Sendable (LibraryDetails) -> Bool
    ) -> @Sendable (CheckContext) throws -> CheckOutcome {
        { context in
            let isGood = try holds(details(context))
            return isGood ? .passed() : .failed("it is not so; \(advice)")
        }
    }
}
