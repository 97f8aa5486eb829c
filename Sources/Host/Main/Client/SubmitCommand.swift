import ArgumentParser
import FanfoldClient
import FanfoldJSON
import FanfoldRuntime

/// `fanfold submit`: a pipeline and its files go to a coordinator.
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Hands a pipeline to a coordinator.",
        discussion: """
            The files that its inputs name go with it, and its scripts, libraries and plugins: \
            `fanfold validate --files` lists them. Those that the coordinator has are not sent \
            again, and an upload that broke off goes on. Prints the number of the run. With --follow \
            it waits for the end: exit code 1 if the run failed.
            """)

    @OptionGroup var document: PipelineOptions
    @OptionGroup var place: PlaceOptions
    @OptionGroup var client: ClientOptions

    @Option(help: ArgumentHelp("The run's name instead of the document's.", valueName: "name"))
    var name: String?

    @Flag(help: "Wait until the run has ended.")
    var follow = false

    @Flag(
        name: .customLong("plan"),
        help: "Say how it would be split and placed on the coordinator's workers; hand nothing in.")
    var onlyPlan = false

    @Option(
        help: ArgumentHelp(
            "The same key never makes a second run; by default each submit makes one.",
            valueName: "key"))
    var key: String?

    func run() throws {
        let pipeline = try document.load(place)
        let problems = pipeline.submissionProblems()
        guard problems.isEmpty else {
            Terminal.complain(Diagnostic.render(problems, color: Terminal.hasColour))
            throw Exit.usage
        }
        let named = document.inputs.map { String($0.prefix { $0 != "=" }) }
        let plan = SubmissionFiles(pipeline, moving: Set(named))
        let bytes = try documentBytes()
        let (name, follow, settings, key) = (name, follow, document.settings, key)
        let (onlyPlan, place) = (onlyPlan, place.settings)
        try client.ask { session in
            var files = JSONObject()
            for file in plan.files {
                let uploaded = try await session.client.upload(file.local)
                files[file.path] =
                    file.isExecutable
                    ? ["sha256": .string(uploaded.sha256), "executable": true]
                    : .string(uploaded.sha256)
            }
            var overrides = JSONObject()
            for setting in settings {
                let parts = setting.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { overrides[String(parts[0])] = .string(String(parts[1])) }
            }
            for (key, value) in plan.overrides + place { overrides[key] = .string(value) }
            var body = JSONObject([
                ("pipeline", .string(String(decoding: bytes, as: UTF8.self))),
                ("overrides", .object(overrides)), ("files", .object(files)),
            ])
            if let name { body["name"] = .string(name) }
            if onlyPlan {
                let plan = try await session.client.ask(.POST, "/plan", body: .json(.object(body)))
                return session.show(plan, table: { PlanText($0).text }, quiet: { _ in [] })
            }
            let run = try await session.client.ask(
                .POST, "/runs", body: .json(.object(body)), key: key)
            let ended = follow ? try await RunWatch(session).wait(for: run.number ?? 0) : run
            session.show(ended, table: RunTables.detail) { [$0.shown("id")] }
            if follow, ended["status"]?.stringValue != "completed" { throw Exit.runFailed }
        }
    }

    /// The document once more, as it is: the coordinator checks it as well.
    private func documentBytes() throws -> [UInt8] {
        let path = document.pipeline
        guard let bytes = try SmallFile.bytes(of: path, maximum: Self.maximumBytes) else {
            Terminal.complain("error: there is no file \(path) any more")
            throw Exit.notFound
        }
        return bytes
    }

    /// Bytes of the largest document.
    private static let maximumBytes = 4 << 20
}

/// Which files go with a pipeline, and under which paths beside the document.
struct SubmissionFiles {
    /// Where a file is, and where the coordinator is to put it.
    struct Entry {
        var local: String
        var path: String
        var isExecutable = false
    }

    private(set) var files: [Entry] = []
    /// Inputs and plugins whose files lie elsewhere: what the document is to say instead.
    private(set) var overrides: [(key: String, value: String)] = []

    /// Files below the document's folder keep their paths; others, and those of the inputs `moving`,
    /// get new ones.
    init(_ pipeline: Pipeline, moving: Set<String>) {
        let folder =
            pipeline.directory.hasSuffix("/") ? pipeline.directory : pipeline.directory + "/"
        for input in pipeline.inputs {
            guard case .files(let paths) = input.source else { continue }
            let relative = paths.compactMap { Self.relative($0, to: folder) }
            if relative.count == paths.count, !moving.contains(input.name) {
                files += zip(paths, relative).map { Entry(local: $0, path: $1) }
                continue
            }
            let moved = paths.enumerated().map { index, path in
                let name = path.split(separator: "/").last ?? "file"
                return "fanfold-inputs/\(input.name)/\(index)/\(name)"
            }
            files += zip(paths, moved).map { Entry(local: $0, path: $1) }
            let value: JSON = [
                "files": .array(moved.map(JSON.string)),
                "format": .string(input.format.rawValue),
            ]
            overrides.append(("inputs.\(input.name)", value.text))
        }
        let inputs = Set(files.map(\.path))
        for file in pipeline.files where !inputs.contains(file.path) || file.isExecutable {
            if inputs.contains(file.path) { files.removeAll { $0.path == file.path } }
            files.append(
                Entry(local: file.source, path: file.path, isExecutable: file.isExecutable))
            guard let (plugin, path) = pipeline.movedPlugin(file) else { continue }
            overrides.append(("plugins.\(plugin).path", JSON.string(path).text))
        }
    }

    /// The rest of a path below `folder`; `nil` if it is elsewhere.
    private static func relative(_ path: String, to folder: String) -> String? {
        guard path.hasPrefix(folder) else { return nil }
        let rest = String(path.dropFirst(folder.count))
        let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { !["", ".", ".."].contains($0) } ? rest : nil
    }
}
