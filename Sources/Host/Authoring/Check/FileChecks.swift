import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of the file, before anything of it runs.
enum FileChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "elf-class-machine", subject: .file,
            consequence: "No host could load it.", body: machine),
        CheckCase(
            name: "exports-one", subject: .file,
            consequence: "Two plugins would share what they show by accident, or none be found.",
            body: exports),
        CheckCase(
            name: "file-extension", level: .should, subject: .file,
            consequence: "It would not be found in the search path.", body: name),
        CheckCase(
            name: "file-permissions", subject: .file,
            consequence: "Another user could put code into the host.", body: permissions),
        CheckCase(
            name: "needed-libs", level: .should, subject: .file,
            consequence: "It would not load where that library is missing or another version.",
            body: needed),
        CheckCase(
            name: "imports-none-from-host", subject: .file,
            consequence: "It would load into one build of the host only.", body: imports),
        CheckCase(
            name: "glibc-floor", level: .should, subject: .file,
            consequence: "It would not load on older systems.", body: floor),
        CheckCase(
            name: "bind-now", level: .should, subject: .file,
            consequence: "A missing symbol would end the host in the middle of a run.",
            body: flag("link it with -Wl,-z,now") { $0.isBoundNow }),
        CheckCase(
            name: "relro", level: .should, subject: .file,
            consequence: "A stray write could change where its calls go.",
            body: flag("link it with -Wl,-z,relro") { $0.hasRelro }),
        CheckCase(
            name: "no-textrel", subject: .file,
            consequence: "Hardened systems would refuse to load it.",
            body: flag("compile it with -fPIC") { !$0.hasTextRelocations }),
        CheckCase(
            name: "no-execstack", subject: .file,
            consequence: "Loading it would make the host's stacks executable.",
            body: flag("link it with -Wl,-z,noexecstack") { !$0.hasExecutableStack }),
    ]

    private static func machine(_ context: CheckContext) throws -> CheckOutcome {
        do {
            let inspection = try context.registry().inspect(path: context.path)
            return .passed("\(inspection.bytes) bytes, sha256 \(inspection.sha256)")
        } catch .noEntry, .otherMajor {
            return .passed()
        } catch {
            return .failed(error.message)
        }
    }

    private static func exports(_ context: CheckContext) throws -> CheckOutcome {
        let facts = try inspect(context).facts
        let others = facts.exports.filter { $0 != HostABI.entrySymbol }
        guard !others.isEmpty else { return .passed() }
        return .failed(
            "wanted \(HostABI.entrySymbol) alone, found \(others.count) more symbols: "
                + others.prefix(3).joined(separator: ", ")
                + "; compile with -fvisibility=hidden, or link with a version script")
    }

    private static func inspect(
        _ context: CheckContext
    ) throws -> PluginRegistry.Inspection {
        do {
            return try context.registry().inspect(path: context.path)
        } catch {
            throw CheckStop.failed(error.message)
        }
    }

    private static func name(_ context: CheckContext) throws -> CheckOutcome {
        let file = context.path.split(separator: "/").last.map(String.init) ?? ""
        guard file.hasPrefix("libfanfold-"), file.hasSuffix(".so") else {
            return .warning("wanted a file libfanfold-NAME.so, found \(file)")
        }
        return .passed()
    }

    private static func permissions(_ context: CheckContext) throws -> CheckOutcome {
        var status = stat()
        guard stat(context.path, &status) == 0 else {
            return .failed("cannot look at \(context.path): \(String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IWOTH == 0 else {
            return .failed("everybody may write to it; chmod o-w \(context.path)")
        }
        guard status.st_mode & S_IWGRP == 0 else {
            return .warning("its group may write to it; chmod g-w \(context.path)")
        }
        return .passed()
    }

    private static func needed(_ context: CheckContext) throws -> CheckOutcome {
        let heavy = ["libcurl", "libssl", "libcrypto", "libprotobuf", "libpython", "libc++."]
        guard let found = try? inspect(context).facts.needed else {
            return .skipped("exports-one failed")
        }
        let doubtful = found.filter { name in heavy.contains { name.hasPrefix($0) } }
        guard doubtful.isEmpty else {
            return .warning(
                "it needs \(doubtful.joined(separator: ", ")), of which a host may have "
                    + "another version in the same process; link it statically")
        }
        return .passed(found.joined(separator: ", "))
    }

    private static func details(_ context: CheckContext) throws -> LibraryDetails {
        guard let details = LibraryDetails(path: context.path) else {
            throw CheckStop.failed("\(context.path) has no readable dynamic section")
        }
        return details
    }

    private static func imports(_ context: CheckContext) throws -> CheckOutcome {
        let found = try details(context).imports.filter {
            $0.name.hasPrefix("fan_") || $0.name.hasPrefix("fanfold_")
        }
        guard found.isEmpty else {
            return .failed(
                "it wants \(found.map(\.name).prefix(3).joined(separator: ", ")) from the host; "
                    + "a plugin is given what it needs through fan_host")
        }
        return .passed()
    }

    private static func floor(_ context: CheckContext) throws -> CheckOutcome {
        let newest = try details(context).versions
            .filter { $0.hasPrefix("GLIBC_2.") }
            .compactMap { Int($0.dropFirst("GLIBC_2.".count).prefix { $0.isNumber }) }.max()
        guard let newest else { return .passed("needs no version of glibc") }
        let limit = 36
        let text = "runs on glibc >= 2.\(newest)"
        return newest <= limit
            ? .passed(text)
            : .warning("\(text); Debian 12 has 2.\(limit): build on an older system")
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
