import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of the file and of what it shows, before anything of it runs.
enum FileChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "elf-class-machine", subject: .file,
            summary: "It is a shared library for this kind of machine.",
            consequence: "No host could load it.", body: machine),
        CheckCase(
            name: "exports-one", subject: .file,
            summary: "It shows its entry function and nothing else.",
            consequence: "Two plugins would share what they show by accident, or none be found.",
            body: exports),
        CheckCase(
            name: "file-extension", level: .should, subject: .file,
            summary: "It is called libfanfold-NAME.so.",
            consequence: "It would not be found in the search path.", body: name),
        CheckCase(
            name: "file-permissions", subject: .file,
            summary: "Nobody but its owner may write to it.",
            consequence: "Another user could put code into the host.", body: permissions),
        CheckCase(
            name: "imports-none-from-host", subject: .file,
            summary: "It wants no symbol of the host.",
            consequence: "It would load into one build of the host only.", body: imports),
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
        let bindings = try LinkChecks.details(context).exports.filter { others.contains($0.name) }
        var advice = "compile with -fvisibility=hidden, or link with a version script"
        if let unique = bindings.first(where: { $0.binding == .unique }) {
            advice =
                "\(unique.name) is one for the whole process, shared with every other plugin: "
                + "compile with -fno-gnu-unique and -fvisibility-inlines-hidden"
        } else if let weak = bindings.first(where: { $0.binding == .weak }) {
            advice =
                "\(weak.name) is weak, so that another plugin's may take its place: compile with "
                + "-fvisibility=hidden -fvisibility-inlines-hidden"
        }
        return .failed(
            "wanted \(HostABI.entrySymbol) alone, found \(others.count) more symbols: "
                + others.prefix(3).joined(separator: ", ") + "; " + advice)
    }

    static func inspect(
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
            return .failed("everybody may write to it; chmod go-w \(context.path)")
        }
        guard status.st_mode & S_IWGRP == 0 else {
            return .failed("its group may write to it; chmod g-w \(context.path)")
        }
        return .passed()
    }

    private static func imports(_ context: CheckContext) throws -> CheckOutcome {
        let found = try LinkChecks.details(context).imports.filter {
            $0.name.hasPrefix("fan_") || $0.name.hasPrefix("fanfold_")
        }
        guard found.isEmpty else {
            return .failed(
                "it wants \(found.map(\.name).prefix(3).joined(separator: ", ")) from the host; "
                    + "a plugin is given what it needs through fan_host")
        }
        return .passed()
    }
}
