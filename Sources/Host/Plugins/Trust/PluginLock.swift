/// The plugins that the pipelines of a folder may open: `fanfold.lock`.
package struct PluginLock: Hashable, Sendable {
    /// How many plugins one lock may have.
    package static let maximumEntries = 256

    /// A component of a locked plugin.
    package struct Component: Hashable, Sendable {
        /// Its id, in full.
        package var id: String
        /// Its version.
        package var version: String

        /// A component.
        package init(id: String, version: String) {
            self.id = id
            self.version = version
        }
    }

    /// One plugin.
    package struct Entry: Hashable, Sendable {
        /// What it offers, sorted by id.
        package var components: [Component]
        /// The name of its file without folders, for messages.
        package var file: String
        /// The hash of its file.
        package var sha256: String
        /// The id of the key that signed it.
        package var signer: String?
        /// What it was granted.
        package var grant: PluginGrant

        /// An entry.
        package init(
            components: [Component], file: String, sha256: String, signer: String?,
            grant: PluginGrant
        ) {
            self.components = components
            self.file = file
            self.sha256 = sha256
            self.signer = signer
            self.grant = grant
        }

        /// What is to be recorded of a loaded plugin.
        package init(_ plugin: LoadedPlugin, grant: PluginGrant) {
            self.init(
                components: plugin.components.map { Component(id: $0.id, version: $0.version) }
                    .sorted { $0.id < $1.id },
                file: PluginLock.fileName(plugin.inspection.path),
                sha256: plugin.inspection.sha256, signer: plugin.origin.signer?.id, grant: grant)
        }

        var summary: String {
            components.map { "\($0.id) \($0.version)" }.joined(separator: ", ")
        }
    }

    /// The path of the lock, for messages.
    package var path: String
    /// The command that accepts what is found: `fanfold plugin lock pipeline.yaml`.
    package var command: String
    /// The plugins, sorted by their first component.
    package var entries: [Entry]

    /// A lock.
    package init(path: String, command: String, entries: [Entry] = []) {
        self.path = path
        self.command = command
        self.entries = entries
    }

    /// What is recorded of a plugin with this content.
    package func entry(sha256: String) -> Entry? { entries.first { $0.sha256 == sha256 } }

    /// Puts an entry in the place of those that have one of its components.
    package mutating func record(_ entry: Entry) {
        let ids = Set(entry.components.map(\.id))
        entries.removeAll { old in
            old.sha256 == entry.sha256 || old.components.contains { ids.contains($0.id) }
        }
        entries.append(entry)
        entries.sort { ($0.components.first?.id ?? "") < ($1.components.first?.id ?? "") }
    }

    /// Refuses a file whose content is not locked, before any of it runs.
    func admit(path file: String, sha256: String) throws(PluginLoadError) {
        guard entry(sha256: sha256) == nil else { return }
        let name = Self.fileName(file)
        guard let locked = entries.first(where: { $0.file == name }) else {
            throw .locked(
                path: file,
                what: "\(path) has no plugin \(name); found sha256 \(sha256); "
                    + "to accept it: \(command)")
        }
        throw .locked(
            path: file,
            what: "locked in \(path) is \(locked.summary) with sha256 \(locked.sha256), found "
                + "sha256 \(sha256); if the change was meant: \(command)")
    }

    /// Refuses a file that says something else about itself than what is recorded.
    func admit(_ plugin: LoadedPlugin) throws(PluginLoadError) {
        guard let locked = entry(sha256: plugin.inspection.sha256) else { return }
        let found = Entry(plugin, grant: locked.grant)
        guard found.components == locked.components else {
            throw .locked(
                path: plugin.inspection.path,
                what: "locked in \(path) is \(locked.summary), the same file has "
                    + "\(found.summary); to mend the lock: \(command)")
        }
        guard locked.signer == nil || found.signer == locked.signer else {
            throw .locked(
                path: plugin.inspection.path,
                what: "locked in \(path) is the signature of key \(locked.signer ?? ""), found "
                    + (found.signer.map { "that of key \($0)" } ?? "none")
                    + "; if the change was meant: \(command)")
        }
    }

    static func fileName(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
