import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Logging
import Synchronization

/// Finds plugins, and loads those that are named.
///
/// Only `libfanfold-NAME.so` in the search path, or a file that the user names, is ever opened, and
/// only when something asks for it.  A loaded plugin is never unloaded: Swift code that is
/// unmapped ends the process later.
package final class PluginRegistry: Sendable {
    /// A plugin's file in the search path, not opened yet.
    package struct Candidate: Hashable, Sendable {
        /// The part of the file's name that says which one it is: `data-parallel`.
        package var name: String
        /// The whole path.
        package var path: String
    }

    /// What is known of a file without loading it.
    package struct Inspection: Sendable {
        /// The file as it was named.
        package var path: String
        /// Its size in bytes.
        package var bytes: Int
        /// Its SHA-256.
        package var sha256: String
        /// What it says about itself.
        package var facts: ELFFacts
        /// What should be put right but does not keep it from being loaded.
        package var warnings: [String]
        /// Who beside root and the user may change it, in words; then it is not loaded.
        package var changeProblem: String?
    }

    /// The folders that are looked in, in order; the first that has a name wins.
    package let searchPath: [String]

    /// Which files are opened.
    package let trust: TrustPolicy

    // Of the process, as the dynamic linker's list is: what was opened where it lies.
    private static let openedInPlace = Mutex<[String: String]>([:])

    private let cache: PluginCache
    private let wellKnownSchemas: [String: JSON]
    private let logger: Logger
    private let loaded = Mutex<[String: LoadedPlugin]>([:])
    /// What was loaded from which state of a file, by path and place: a file of megabytes that has
    /// not changed is not read and hashed again for each run.
    private let known = Mutex<[String: (stamp: FileStamp, plugin: LoadedPlugin)]>([:])

    /// A registry that has loaded nothing.
    ///
    /// Parameter cacheDirectory: Where copies are kept under their hash; made when needed.
    /// Parameter wellKnownSchemas: Schemas that a plugin's own may refer to: `fanfold:run`.
    /// Parameter trust: Which files are opened; in safe mode only those in the host's own folders.
    package init(
        searchPath: [String], cacheDirectory: String, wellKnownSchemas: [String: JSON] = [:],
        trust: TrustPolicy = TrustPolicy(), logger: Logger
    ) {
        self.searchPath = trust.isSafeMode ? trust.bundledFolders : searchPath
        self.trust = trust
        self.cache = PluginCache(directory: cacheDirectory)
        self.wellKnownSchemas = wellKnownSchemas
        self.logger = logger
    }

    /// A registry that looks in the same places and has loaded nothing, under another policy.
    package func governed(by trust: TrustPolicy) -> PluginRegistry {
        PluginRegistry(
            searchPath: searchPath, cacheDirectory: cache.directory,
            wellKnownSchemas: wellKnownSchemas, trust: trust, logger: logger)
    }

    /// The plugins that it has loaded, by the paths and hashes of their files.
    package var loadedPlugins: [LoadedPlugin] {
        loaded.withLock { loaded in loaded.sorted { $0.key < $1.key }.map(\.value) }
    }

    /// The plugins in the search path, by name; no file is opened.
    package func candidates() -> [Candidate] {
        var found: [String: Candidate] = [:]
        for folder in searchPath {
            for file in Self.entries(of: folder) {
                guard let name = Self.pluginName(file), found[name] == nil else { continue }
                found[name] = Candidate(name: name, path: folder + "/" + file)
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }

    /// Reads what a file says about itself; nothing of it is run.
    package func inspect(path: String) throws(PluginLoadError) -> Inspection {
        try inspect(path: path).0
    }

    /// What can be proven of a file without running any of it.
    ///
    /// Throws: also if the policy refuses it.
    package func origin(of path: String) throws(PluginLoadError) -> PluginOrigin {
        for place in ["inside", "helper"] {
            if let plugin = unchanged(path, FileStamp(path: path), in: place) {
                return plugin.origin
            }
        }
        let (inspection, file) = try inspect(path: path)
        return try trust.admit(file, path: path, sha256: inspection.sha256)
    }

    /// The plugin that has the component, loaded: `data-parallel` and `fanfold.data-parallel` are
    /// looked for in `libfanfold-data-parallel.so`.
    package func plugin(
        providing component: String, sha256: String? = nil, in helpers: HelperSettings? = nil
    ) throws(PluginLoadError) -> LoadedPlugin {
        let path = try path(ofPlugin: ComponentDescriptor.shortID(component))
        let plugin = try load(path: path, sha256: sha256, in: helpers)
        _ = try plugin.component(named: component)
        return plugin
    }

    /// The file `libfanfold-NAME.so` in the search path.
    package func path(ofPlugin name: String) throws(PluginLoadError) -> String {
        let known = candidates()
        guard let candidate = known.first(where: { $0.name == name }) else {
            throw .notFound(name: name, available: known.map(\.name), searched: searchPath)
        }
        return candidate.path
    }

    /// Loads a file that the user names, whatever it is called.
    ///
    /// The same content is loaded once, from a copy under its hash.  So a file that was replaced is
    /// loaded beside the old one: who holds the old plugin goes on with it, and the two share
    /// nothing.  One exception: a plugin that needs a library which lies beside it (`$ORIGIN`) is
    /// opened where it is, since its copy would not find it; once replaced, it is refused.
    ///
    /// Parameter sha256: What the file must hash to, in hexadecimal digits.
    ///
    /// Parameter helpers: How to start helpers, for a plugin that is not to run in this process.
    package func load(
        path: String, sha256: String? = nil, in helpers: HelperSettings? = nil
    ) throws(PluginLoadError) -> LoadedPlugin {
        let pin: String? = if let sha256 { try SHA256.pin(sha256) } else { nil }
        let place = helpers == nil ? "inside" : "helper"
        // Taken before the file is read: what changes meanwhile has another.
        let stamp = FileStamp(path: path)
        if let plugin = unchanged(path, stamp, in: place),
            pin == nil || pin == plugin.inspection.sha256
        {
            return plugin
        }
        let (inspection, file) = try inspect(path: path)
        if let pin, pin != inspection.sha256 {
            throw .wrongHash(path: path, wanted: pin, found: inspection.sha256)
        }
        let origin = try trust.admit(file, path: path, sha256: inspection.sha256)
        let outcome: Result<LoadedPlugin, PluginLoadError> = loaded.withLock { loaded in
            let key = "\(path) \(inspection.sha256) \(place) \(origin.signer?.id ?? "")"
            if let plugin = loaded[key] { return .success(plugin) }
            do throws(PluginLoadError) {
                let plugin = try open(inspection, file, origin, helpers)
                try trust.admit(plugin)
                loaded[key] = plugin
                return .success(plugin)
            } catch {
                return .failure(error)
            }
        }
        let plugin = try outcome.get()
        if let stamp { known.withLock { $0["\(path) \(place)"] = (stamp, plugin) } }
        return plugin
    }

    /// What was loaded from this very state of a file.
    ///
    /// Where a lock or signatures decide, each load is decided anew.
    private func unchanged(
        _ path: String, _ stamp: FileStamp?, in place: String
    ) -> LoadedPlugin? {
        guard let stamp, trust.lock == nil, !trust.requiresSignature else { return nil }
        return known.withLock { known in
            guard let entry = known["\(path) \(place)"], entry.stamp == stamp else { return nil }
            return entry.plugin
        }
    }

    private func inspect(path: String) throws(PluginLoadError) -> (Inspection, FileBytes) {
        let file = try FileBytes(path: path)
        let facts = try file.withBytes { (bytes) throws(PluginLoadError) in
            try ELFFacts(bytes, path: path)
        }
        var warnings: [String] = []
        let others = facts.exports.filter { $0 != HostABI.entrySymbol }
        if !others.isEmpty {
            warnings.append(
                "\(path) shows \(others.count) symbols beside \(HostABI.entrySymbol), for example "
                    + "\(others[0]), which may collide; hide them with a version script")
        }
        let inspection = Inspection(
            path: path, bytes: file.count, sha256: file.sha256, facts: facts,
            warnings: warnings,
            changeProblem: file.changeProblem(isBundled: trust.isBundled(file)))
        return (inspection, file)
    }

    private func open(
        _ inspection: Inspection, _ file: FileBytes, _ origin: PluginOrigin,
        _ helpers: HelperSettings?
    ) throws(PluginLoadError) -> LoadedPlugin {
        for warning in inspection.warnings {
            logger.warning("plugin file", metadata: ["warning": "\(warning)"])
        }
        let path = inspection.path
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let folder = path.contains("/") ? String(path.dropLast(name.count + 1)) : "."
        let needsNeighbour = try checkNeeded(inspection, folder: folder.isEmpty ? "/" : folder)
        let library =
            needsNeighbour
            ? try inPlace(folder + "/" + name, inspection)
            : try cache.copy(of: file, sha256: inspection.sha256, name: name)
        if let helpers {
            return try describe(inspection, library: library, origin, helpers)
        }
        let reader = DescriptorReader(
            path: path, sha256: inspection.sha256, wellKnownSchemas: wellKnownSchemas)
        let contents = try reader.read(try Self.entry(of: library, path: path))
        logger.debug(
            "plugin loaded",
            metadata: ["path": "\(path)", "sha256": "\(inspection.sha256)", "from": "\(library)"])
        return LoadedPlugin(
            inspection: inspection, library: library, origin: origin, contents: contents)
    }

    /// The file itself, unless another content was opened under its path: the dynamic linker would
    /// silently give that one again.
    private func inPlace(
        _ library: String, _ inspection: Inspection
    ) throws(PluginLoadError) -> String {
        let isSame = Self.openedInPlace.withLock { opened in
            let first = opened[library, default: inspection.sha256]
            opened[library] = first
            return first == inspection.sha256
        }
        guard isSame else { throw .replacedInPlace(path: inspection.path) }
        return library
    }

    /// Returns: Whether a needed library lies beside the plugin.
    private func checkNeeded(
        _ inspection: Inspection, folder: String
    ) throws(PluginLoadError) -> Bool {
        let search = LibrarySearch(origin: folder, runPath: inspection.facts.runPath)
        var needsNeighbour = false
        for library in inspection.facts.needed {
            switch search.locate(library) {
            case .inProcess, .elsewhere: break
            case .besidePlugin(let path):
                needsNeighbour = true
                if let problem = try FileBytes(path: path).changeProblem(isBundled: false) {
                    throw .openToOthers(path: inspection.path, what: problem)
                }
            case nil:
                throw .missingLibrary(
                    path: inspection.path, library: library, searched: search.folders)
            }
        }
        return needsNeighbour
    }

    /// Has a helper read what the plugin says about itself.
    private func describe(
        _ inspection: Inspection, library: String, _ origin: PluginOrigin,
        _ helpers: HelperSettings
    ) throws(PluginLoadError) -> LoadedPlugin {
        let launch = HelperLaunch(
            helpers, library: library, path: inspection.path, logger: logger)
        let description: JSON
        do throws(HelperFailure) {
            description = try HelperProcess.describe(launch)
        } catch {
            throw .helper(
                path: inspection.path, reason: error.failure(of: inspection.path).message)
        }
        let components = try ComponentDescriptor.read(
            description["components"], path: inspection.path, sha256: inspection.sha256,
            wellKnownSchemas: wellKnownSchemas)
        logger.debug(
            "plugin described by a helper",
            metadata: [
                "path": "\(inspection.path)", "sandbox": "\(description["sandbox"] ?? .null)",
            ])
        return LoadedPlugin(
            inspection: inspection, origin: origin, components: components, launch: launch)
    }

    /// Opens a library in this process, without a registry: what a helper does.
    static func open(library: String, path: String) throws(PluginLoadError) -> LoadedPlugin {
        var reader = DescriptorReader(path: path, sha256: "", wellKnownSchemas: [:])
        reader.compilesSchemas = false
        let contents = try reader.read(try entry(of: library, path: path))
        let inspection = Inspection(
            path: path, bytes: 0, sha256: "", facts: ELFFacts(), warnings: [])
        return LoadedPlugin(
            inspection: inspection, library: library, origin: .unknown, contents: contents)
    }

    private static func entry(
        of library: String, path: String
    ) throws(PluginLoadError) -> UnsafeRawPointer? {
        guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw linkerError(path)
        }
        guard let symbol = dlsym(handle, HostABI.entrySymbol) else {
            throw .noEntry(path: path, exports: [])
        }
        return unsafeBitCast(symbol, to: (@convention(c) () -> UnsafeRawPointer?).self)()
    }

    private static func linkerError(_ path: String) -> PluginLoadError {
        let text = dlerror().map { String(cString: $0) } ?? "no reason given"
        let missing = ": cannot open shared object file"
        if let end = text.firstRange(of: missing)?.lowerBound {
            return .missingLibrary(path: path, library: String(text[..<end]), searched: [])
        }
        return .refusedByLinker(path: path, reason: text)
    }

    private static func pluginName(_ file: String) -> String? {
        let prefix = "libfanfold-"
        let suffix = ".so"
        guard file.hasPrefix(prefix), file.hasSuffix(suffix),
            file.utf8.count > prefix.utf8.count + suffix.utf8.count
        else { return nil }
        return String(file.dropFirst(prefix.count).dropLast(suffix.count))
    }

    /// The names in a folder, sorted; none if it is not there.
    private static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < HostABI.maximumDirectoryEntries, let entry = readdir(directory) {
            let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
            names.append(
                String(
                    cString: UnsafeRawPointer(entry).advanced(by: offset).assumingMemoryBound(
                        to: CChar.self)))
        }
        return names.sorted()
    }
}
