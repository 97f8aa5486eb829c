@preconcurrency import Glibc

/// Which plugins a host opens, from the settings, the command line and the lock.
package struct TrustPolicy: Sendable {
    /// How many keys may be allowed.
    package static let maximumKeys = 64

    /// Whose signatures make a plugin trusted.
    package var allowedKeys: [PluginKey] = []
    /// Whether a plugin that is not bundled must be signed by an allowed key.
    package var requiresSignature = false
    /// Whether only bundled plugins are opened: `--safe-mode`.
    package var isSafeMode = false
    /// Whether signatures are looked at; not by who is about to write a new one.
    package var readsSignatures = true
    /// What may be opened, if there is a lock; bundled plugins are not locked.
    package var lock: PluginLock?
    /// The folders of the host itself; a plugin that lies in one is bundled.
    package var bundledFolders: [String] = []

    /// A host without keys, lock and folders of its own.
    package init(bundledFolders: [String] = []) {
        self.bundledFolders = bundledFolders
    }

    /// Decides on a file before any of it runs.
    func admit(
        _ file: FileBytes, path: String, sha256: String
    ) throws(PluginLoadError) -> PluginOrigin {
        let isBundled = isBundled(file)
        guard isBundled || !isSafeMode else { throw .notBundled(path: path) }
        if let problem = file.changeProblem(isBundled: isBundled) {
            throw .openToOthers(path: path, what: problem)
        }
        if !isBundled { try lock?.admit(path: path, sha256: sha256) }
        let signature = readsSignatures ? try signature(beside: path, sha256: sha256) : nil
        let allowed = signature.flatMap { signature in
            allowedKeys.first { $0.bytes == signature.key.bytes }
        }
        if requiresSignature, !isBundled, allowed == nil {
            throw .unsigned(
                path: path, signer: signature?.key.label,
                publicKey: signature?.key.keyText)
        }
        return PluginOrigin(
            isBundled: isBundled, signer: allowed ?? signature?.key, isAllowed: allowed != nil,
            signedComponents: signature?.components)
    }

    /// Decides on what a file says about itself, before the first of its instances is made.
    func admit(_ plugin: LoadedPlugin) throws(PluginLoadError) {
        let ids = plugin.components.map(\.id).sorted()
        if let signed = plugin.origin.signedComponents, signed != ids {
            throw .badSignature(
                path: plugin.inspection.path,
                what: "it was made for the components \(signed.joined(separator: ", ")), "
                    + "the plugin has \(ids.joined(separator: ", "))")
        }
        if !plugin.origin.isBundled { try lock?.admit(plugin) }
    }

    /// Whether a file lies in a folder of the host itself.
    func isBundled(_ file: FileBytes) -> Bool {
        guard let slash = file.realPath.lastIndex(of: "/") else { return false }
        let folder = String(file.realPath[..<slash])
        return bundledFolders.contains { FileBytes.realPath(of: $0) == folder }
    }

    private func signature(
        beside path: String, sha256: String
    ) throws(PluginLoadError) -> PluginSignature? {
        let name = path + ".sig"
        if access(name, F_OK) != 0, errno == ENOENT { return nil }
        let file: FileBytes
        do throws(PluginLoadError) {
            file = try FileBytes(path: name, limit: PluginSignature.maximumBytes)
        } catch {
            throw .badSignature(path: path, what: error.message)
        }
        let signature: PluginSignature
        do throws(SignatureProblem) {
            signature = try PluginSignature(
                file.withBytes { String(decoding: $0, as: UTF8.self) })
        } catch {
            throw .badSignature(path: path, what: error.description)
        }
        guard signature.isOf(sha256: sha256) else {
            throw .badSignature(
                path: path, what: "the file was changed after \(signature.key.label) signed it")
        }
        return signature
    }
}

/// Where a plugin comes from, as far as that could be proven.
package struct PluginOrigin: Hashable, Sendable {
    /// Whether it lies in a folder of the host itself.
    package var isBundled: Bool
    /// Who signed it; the name is that of the settings, if the key is allowed.
    package var signer: PluginKey?
    /// Whether the signer's key is allowed by the settings.
    package var isAllowed: Bool
    /// What the signature says the plugin has.
    var signedComponents: [String]?

    /// Nothing could be proven, or nobody asked.
    static let unknown = PluginOrigin(isBundled: false, isAllowed: false)

    /// For people: `bundled`, `signed by alice (key …)`, `not signed`.
    package var summary: String {
        if let signer {
            return "signed by \(signer.label), "
                + (isAllowed ? "an allowed key" : "a key that is not among plugins: allowed-keys")
        }
        return isBundled ? "bundled, not signed" : "not signed"
    }
}
