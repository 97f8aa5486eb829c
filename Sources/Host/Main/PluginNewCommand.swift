import ArgumentParser
import FanfoldAuthoring
@preconcurrency import Glibc

/// `fanfold plugin new`: a project that builds with one command and passes `plugin check`.
struct PluginNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Write the project of a new plugin.",
        discussion: """
            The project is written to a new folder NAME.  `make -C NAME` builds it,
            `make -C NAME test` runs its tests and checks it.
            """)

    @Argument(help: "The plugin's name: small letters, digits and hyphens.")
    var name: String

    @Option(help: "What the plugin is: strategy, provider, executor or policy.")
    var kind: String = "strategy"

    @Option(help: "The language it is written in: c, cpp, rust or swift.")
    var lang: String = "c"

    @Option(help: "Swift only: the folder of the fanfold package.  (default: beside this program)")
    var fanfoldPath: String?

    mutating func run() throws {
        guard let name = PluginName(name) else {
            throw ValidationError(
                "wanted a name of small letters, digits and single hyphens, a letter first, at "
                    + "most \(PluginName.maximumBytes) bytes; found \"\(name)\"")
        }
        guard name.text != "test" else {
            throw ValidationError(
                "the project's own tests are called \"test\"; choose another name")
        }
        guard let kind = PluginTemplates.Kind(rawValue: kind) else {
            throw unknown("kind", kind, PluginTemplates.Kind.allCases.map(\.rawValue))
        }
        guard let language = PluginTemplates.Language(rawValue: lang) else {
            throw unknown("lang", lang, PluginTemplates.Language.allCases.map(\.rawValue))
        }
        let root = language == .swift ? try packageRoot() : ""
        try write(PluginTemplates.files(name, kind, language, root: root), to: name.text)
        var next = [
            "wrote \(name.text)/", "  make -C \(name.text)",
            "  fanfold plugin check \(name.text)/libfanfold-\(name.text).so",
        ]
        if kind != .provider, kind != .policy {
            next.append("  cd \(name.text) && fanfold run pipeline.yaml")
        }
        Terminal.print(next.joined(separator: "\n"))
    }

    private func unknown(_ option: String, _ found: String, _ known: [String]) -> ValidationError {
        ValidationError(
            "wanted --\(option) to be one of \(known.joined(separator: ", ")); found \"\(found)\"")
    }

    /// The package that holds PluginKit: named, or the first folder above this program that has it.
    private func packageRoot() throws -> String {
        if let fanfoldPath {
            guard let path = realPath(fanfoldPath), holdsKit(path) else {
                throw ValidationError(
                    "there is no Sources/PluginABI/Kit in \(fanfoldPath); "
                        + "give the folder of the fanfold package")
            }
            return path
        }
        var folder = realPath("/proc/self/exe") ?? ""
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            if holdsKit(folder) { return folder }
        }
        throw ValidationError(
            "the fanfold package is not in a folder above this program; name it by --fanfold-path")
    }

    private func holdsKit(_ folder: String) -> Bool {
        access(folder + "/Sources/PluginABI/Kit", R_OK) == 0
    }

    private func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func write(_ files: [(path: String, text: String)], to folder: String) throws {
        guard mkdir(folder, 0o777) == 0 else {
            throw ValidationError(
                errno == EEXIST
                    ? "\(folder) exists already; choose another name or remove it"
                    : "cannot make the folder \(folder): \(String(cString: strerror(errno)))")
        }
        for (path, text) in files {
            var parent = folder
            for step in path.split(separator: "/").dropLast() {
                parent += "/" + step
                guard mkdir(parent, 0o777) == 0 || errno == EEXIST else {
                    throw failure(parent)
                }
            }
            guard let file = fopen(folder + "/" + path, "wx") else {
                throw failure(folder + "/" + path)
            }
            let written = fputs(text, file)
            guard fclose(file) == 0, written >= 0 else { throw failure(folder + "/" + path) }
        }
    }

    private func failure(_ path: String) -> ValidationError {
        ValidationError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
