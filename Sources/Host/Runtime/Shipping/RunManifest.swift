import FanfoldJSON
import FanfoldPlugins

/// What workers get of a run: files with their places, and plugins with what they may do.
///
/// The coordinator writes it when it takes a run on; workers are told its name with the orders and
/// fetch it as they fetch everything else.
package struct RunManifest: Hashable, Sendable {
    /// Why a text is no manifest.
    package struct Malformed: Error, CustomStringConvertible {
        /// What was wanted, what was found.
        package var description: String
    }

    /// One file.
    package struct File: Hashable, Sendable {
        /// Where it lies in the folder of the run.
        package var path: String
        /// Its SHA-256, 64 lowercase hexadecimal digits.
        package var sha256: String
        /// Its bytes.
        package var size: Int64
        /// Whether its owner may execute it.
        package var isExecutable: Bool

        /// A file.
        package init(path: String, sha256: String, size: Int64, isExecutable: Bool) {
            self.path = path
            self.sha256 = sha256
            self.size = size
            self.isExecutable = isExecutable
        }
    }

    /// One plugin of the pipeline's own.
    package struct Plugin: Hashable, Sendable {
        /// Its name in the document.
        package var name: String
        /// The path of its file in the folder of the run.
        package var path: String
        /// The sum of the file that the coordinator looked at.
        package var sha256: String
        /// What it may do through the host, as it was decided when the run was taken on.
        package var grant: PluginGrant

        /// A plugin.
        package init(name: String, path: String, sha256: String, grant: PluginGrant) {
            self.name = name
            self.path = path
            self.sha256 = sha256
            self.grant = grant
        }
    }

    /// The files, by path.
    package var files: [File]
    /// The plugins, in the order of the document.
    package var plugins: [Plugin]

    /// What workers get.
    package init(files: [File], plugins: [Plugin]) {
        self.files = files
        self.plugins = plugins
    }

    /// What goes to workers of a pipeline whose files lie in its folder.
    ///
    /// - Parameter sum: the SHA-256 and the bytes of the file at a path.
    package init(
        of pipeline: Pipeline, sum: (String) -> (sha256: String, size: Int64)?
    ) throws(Malformed) {
        var files: [File] = []
        var sums: [String: String] = [:]
        for file in pipeline.files where file.isForWorkers {
            guard let (sha256, size) = sum(file.path) else {
                throw Malformed(
                    description: "the pipeline names \(file.path), which was not submitted with it")
            }
            sums[file.path] = sha256
            files.append(
                File(
                    path: file.path, sha256: sha256, size: size, isExecutable: file.isExecutable))
        }
        self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let base = pipeline.directory + "/"
        plugins = pipeline.plugins.compactMap { plugin in
            guard let path = plugin.path, path.hasPrefix(base),
                let inside = RelativePath.inside(path.dropFirst(base.count)),
                let sha256 = sums[inside]
            else { return nil }
            return Plugin(name: plugin.name, path: inside, sha256: sha256, grant: plugin.grant)
        }
    }

    /// The declarations of the plugins in a folder where the files lie.
    ///
    /// Each has a process of its own, whatever the document says.
    package func declarations(in folder: String) -> [PluginDeclaration] {
        plugins.map { plugin in
            PluginDeclaration(
                name: plugin.name, path: "\(folder)/\(plugin.path)", sha256: plugin.sha256,
                isolate: .process, grant: plugin.grant)
        }
    }

    // MARK: As JSON

    /// The text of the manifest: the same for the same content.
    package var bytes: [UInt8] {
        let json: JSON = [
            "fanfold_files": 1,
            "files": .array(
                files.map { file in
                    [
                        "path": .string(file.path), "sha256": .string(file.sha256),
                        "size": .integer(file.size), "executable": .bool(file.isExecutable),
                    ]
                }),
            "plugins": .array(
                plugins.map { plugin in
                    [
                        "name": .string(plugin.name), "path": .string(plugin.path),
                        "sha256": .string(plugin.sha256),
                        "grant": [
                            "hosts": .array(plugin.grant.hosts.map { .string($0) }),
                            "secrets": .array(plugin.grant.secrets.map { .string($0) }),
                            "store": .bool(plugin.grant.store),
                        ],
                    ]
                }),
        ]
        return json.bytes
    }

    /// Reads a manifest; nothing in it is believed.
    package init(_ bytes: [UInt8]) throws(Malformed) {
        let json: JSON
        do throws(JSONParseError) {
            json = try JSON(parsing: bytes)
        } catch {
            throw Malformed(description: "a list of files is no JSON: \(error.message)")
        }
        guard json["fanfold_files"] == 1 else {
            throw Malformed(description: "wanted version 1 of a list of files")
        }
        let list = json["files"]?.arrayValue ?? []
        guard list.count <= ShippingLimits.files else {
            throw Malformed(
                description: "\(list.count) files are more than "
                    + "ShippingLimits.files = \(ShippingLimits.files)")
        }
        files = []
        for entry in list { files.append(try File(entry)) }
        plugins = []
        for entry in json["plugins"]?.arrayValue ?? [] { plugins.append(try Plugin(entry)) }
    }

    fileprivate static func path(_ json: JSON) throws(Malformed) -> String {
        guard let path = json["path"]?.stringValue, path.utf8.count <= ShippingLimits.pathBytes,
            !path.utf8.contains(0), RelativePath.inside(path) == path
        else {
            throw Malformed(
                description: "wanted a relative path without .., found \(json["path"] ?? .null)")
        }
        return path
    }

    fileprivate static func sum(_ json: JSON) throws(Malformed) -> String {
        guard let sum = json["sha256"]?.stringValue, sum.utf8.count == 64 else {
            throw Malformed(description: "wanted a SHA-256, found \(json["sha256"] ?? .null)")
        }
        return sum
    }
}

extension RunManifest.File {
    fileprivate init(_ json: JSON) throws(RunManifest.Malformed) {
        self.init(
            path: try RunManifest.path(json), sha256: try RunManifest.sum(json),
            size: json["size"]?.integerValue ?? 0,
            isExecutable: json["executable"]?.boolValue ?? false)
        guard size >= 0, size <= ShippingLimits.fileBytes else {
            throw RunManifest.Malformed(
                description: "\(path) has \(size) bytes, wanted at most "
                    + "ShippingLimits.fileBytes = \(ShippingLimits.fileBytes)")
        }
    }
}

extension RunManifest.Plugin {
    fileprivate init(_ json: JSON) throws(RunManifest.Malformed) {
        self.init(
            name: json["name"]?.stringValue ?? "", path: try RunManifest.path(json),
            sha256: try RunManifest.sum(json), grant: PluginGrant(json["grant"] ?? [:]))
    }
}
