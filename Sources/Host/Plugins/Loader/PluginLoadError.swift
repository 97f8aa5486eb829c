/// Why a plugin cannot be used.
///
/// Everything that can be known from the file is found before the file is opened as a library, so
/// that the dynamic linker's own words are the last resort.
package enum PluginLoadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No file of that name in the search path.
    case notFound(name: String, available: [String], searched: [String])
    /// The operating system refused to read the file.
    case unreadable(path: String, reason: String)
    /// A directory, a pipe, a device.
    case notAFile(path: String)
    /// Longer than ``HostABI/maximumFileBytes``.
    case tooLarge(path: String, bytes: Int)
    /// Not an ELF file; `found` says what it looks like.
    case notELF(path: String, found: String)
    /// An ELF file that ends before its own tables do.
    case truncated(path: String, bytes: Int, wanted: String)
    /// Built for 32-bit machines.
    case wrongClass(path: String)
    /// Built for machines of the other byte order.
    case wrongByteOrder(path: String)
    /// Built for another kind of processor.
    case wrongMachine(path: String, found: String, host: String)
    /// An object file or a program.
    case notALibrary(path: String, found: String)
    /// No `fanfold_plugin_v1` and nothing like it.
    case noEntry(path: String, exports: [String])
    /// Only entry symbols of other majors.
    case otherMajor(path: String, found: [Int])
    /// A library that it needs is nowhere.
    case missingLibrary(path: String, library: String, searched: [String])
    /// The file is not the one that the pipeline pins.
    case wrongHash(path: String, wanted: String, found: String)
    /// The pin itself is no SHA-256.
    case badPin(text: String)
    /// The copy under its hash cannot be made.
    case cacheUnusable(path: String, reason: String)
    /// Others than root and the user may change the folder of the copies.
    case cacheOpenToOthers(path: String, what: String)
    /// The dynamic linker refused the file.
    case refusedByLinker(path: String, reason: String)
    /// A table of the plugin breaks the contract.
    case badTable(path: String, what: String)
    /// A description of a component breaks the contract.
    case badDescriptor(path: String, component: String, what: String)
    /// A component needs a newer host.
    case tooNew(path: String, component: String, needsMinor: Int)
    /// A component needs something this host does not offer.
    case missingService(path: String, component: String, service: String)
    /// The helper that was to read its description ended or refused.
    case helper(path: String, reason: String)
    /// The plugin has other components.
    case noSuchComponent(path: String, wanted: String, available: [String])

    /// `--safe-mode`, and the file is none of the host's own.
    case notBundled(path: String)
    /// Others than root and the user may change the file.
    case openToOthers(path: String, what: String)
    /// A signature lies beside the file that is not one of it.
    case badSignature(path: String, what: String)
    /// A signature by an allowed key is required.
    case unsigned(path: String, signer: String?, publicKey: String?)
    /// The file or what it says is not what the lock holds.
    case locked(path: String, what: String)
    /// Its file was replaced, and it can only be opened where it lies.
    case replacedInPlace(path: String)

    package var description: String { message }

    /// What was wanted, what was found, what to do.
    package var message: String {
        switch self {
        case .notFound, .unreadable, .notAFile, .tooLarge, .cacheUnusable, .wrongHash, .badPin:
            fileMessage
        case .notELF, .truncated, .wrongClass, .wrongByteOrder, .wrongMachine, .notALibrary,
            .noEntry, .otherMajor, .missingLibrary, .refusedByLinker:
            imageMessage
        case .badTable, .badDescriptor, .tooNew, .missingService, .noSuchComponent, .helper:
            contractMessage
        case .notBundled, .openToOthers, .cacheOpenToOthers, .badSignature, .unsigned, .locked,
            .replacedInPlace:
            trustMessage
        }
    }

    /// A short name that does not change, for programs.
    package var reason: String {
        switch self {
        case .notFound: "plugin.not-found"
        case .unreadable: "plugin.unreadable"
        case .notAFile: "plugin.not-a-file"
        case .tooLarge: "plugin.too-large"
        case .notELF: "plugin.not-elf"
        case .truncated: "plugin.truncated"
        case .wrongClass: "plugin.wrong-class"
        case .wrongByteOrder: "plugin.wrong-byte-order"
        case .wrongMachine: "plugin.wrong-machine"
        case .notALibrary: "plugin.not-a-library"
        case .noEntry: "plugin.no-entry"
        case .otherMajor: "plugin.other-major"
        case .missingLibrary: "plugin.missing-library"
        case .wrongHash: "plugin.wrong-hash"
        case .badPin: "plugin.bad-pin"
        case .cacheUnusable: "plugin.cache-unusable"
        case .cacheOpenToOthers: "plugin.cache-open-to-others"
        case .refusedByLinker: "plugin.refused-by-linker"
        case .badTable: "plugin.bad-table"
        case .badDescriptor: "plugin.bad-descriptor"
        case .tooNew: "plugin.too-new"
        case .missingService: "plugin.missing-service"
        case .noSuchComponent: "plugin.no-such-component"
        case .helper: "plugin.helper"
        case .notBundled: "plugin.not-bundled"
        case .openToOthers: "plugin.open-to-others"
        case .badSignature: "plugin.bad-signature"
        case .unsigned: "plugin.unsigned"
        case .locked: "plugin.locked"
        case .replacedInPlace: "plugin.replaced-in-place"
        }
    }

    private var fileMessage: String {
        switch self {
        case .notFound(let name, let available, let searched):
            "no plugin \"\(name)\": \(Self.fileName(for: name)) is not in "
                + (searched.isEmpty ? "the search path" : searched.joined(separator: ", "))
                + "; there \(available.count == 1 ? "is" : "are") "
                + (available.isEmpty ? "none" : available.joined(separator: ", "))
                + (nearest(to: name, among: available).map { "; did you mean \"\($0)\"?" } ?? "")
        case .unreadable(let path, let reason): "cannot read the plugin \(path): \(reason)"
        case .notAFile(let path): "the plugin \(path) is not a plain file"
        case .tooLarge(let path, let bytes):
            "the plugin \(path) has \(bytes) bytes, at most \(HostABI.maximumFileBytes) are "
                + "allowed; strip it"
        case .cacheUnusable(let path, let reason):
            "cannot keep a copy of the plugin at \(path): \(reason); "
                + "choose another cache directory"
        case .wrongHash(let path, let wanted, let found):
            "the plugin \(path) is not the one that is pinned: wanted sha256 \(wanted), "
                + "found \(found); pin the new one if the change was meant"
        case .badPin(let text):
            "wanted a sha256 of 64 hexadecimal digits, found \"\(text)\"; see `sha256sum FILE`"
        default: ""
        }
    }

    private var imageMessage: String {
        switch self {
        case .notELF(let path, let found):
            "\(path) is \(found), not a Linux shared library; build the plugin with -shared"
        case .truncated(let path, let bytes, let wanted):
            "\(path) is truncated: it ends after \(bytes) bytes, before \(wanted); "
                + "copy or build it again"
        case .wrongClass(let path):
            "\(path) is built for a 32-bit machine, this host is 64-bit; build it with -m64"
        case .wrongByteOrder(let path):
            "\(path) is built for a big-endian machine, this host is little-endian; "
                + "build it for this machine"
        case .wrongMachine(let path, let found, let host):
            "\(path) is built for \(found), this host is \(host); build it for \(host)"
        case .notALibrary(let path, let found):
            "\(path) is \(found), not a shared library; build the plugin with -shared"
        case .noEntry(let path, let exports):
            "\(path) does not export \(HostABI.entrySymbol), so it is no Fanfold plugin; "
                + "it exports " + Self.short(exports) + "; mark the entry FAN_EXPORT"
        case .otherMajor(let path, let found):
            "\(path) is built for ABI major "
                + found.map(String.init).joined(separator: " and ")
                + ", this host speaks \(HostABI.major); "
                + "use a plugin or a host of the other version"
        case .missingLibrary(let path, let library, let searched):
            "\(path) needs the library \(library), which is not installed"
                + (searched.isEmpty ? "" : " (looked in \(Self.short(searched)))")
                + "; install it, or name its folder in LD_LIBRARY_PATH"
        case .refusedByLinker(let path, let reason):
            "the dynamic linker refuses \(path): \(reason)"
        default: ""
        }
    }

    private var contractMessage: String {
        switch self {
        case .badTable(let path, let what): "\(path) breaks the plugin contract: \(what)"
        case .badDescriptor(let path, let component, let what):
            "\(path) breaks the plugin contract: component \(component): \(what)"
        case .tooNew(let path, let component, let needsMinor):
            "\(component) in \(path) needs ABI \(HostABI.major).\(needsMinor), this host speaks "
                + "\(HostABI.major).\(HostABI.minor); use a newer host"
        case .missingService(let path, let component, let service):
            "\(component) in \(path) needs the host's service \(service), which this host does "
                + "not offer; use a newer host"
        case .helper(let path, let reason):
            "\(path) could not be looked at in a process of its own: \(reason)"
        case .noSuchComponent(let path, let wanted, let available):
            "\(path) has no component \"\(wanted)\"; it has "
                + Self.short(available)
                + (nearest(to: wanted, among: available).map { "; did you mean \"\($0)\"?" } ?? "")
        default: ""
        }
    }

    private var trustMessage: String {
        switch self {
        case .notBundled(let path):
            "the plugin \(path) is not bundled with Fanfold, and --safe-mode opens no other; "
                + "leave --safe-mode out if you trust it"
        case .openToOthers(let path, let what): "the plugin \(path) is refused: \(what)"
        case .cacheOpenToOthers(let path, let what):
            "a plugin is opened from its copy \(path), which is refused: \(what); "
                + "or name another folder under plugins: cache: of the settings"
        case .badSignature(let path, let what):
            "the signature \(path).sig is not one of the plugin: \(what); "
                + "get both again from where they came, or sign anew with fanfold plugin sign"
        case .unsigned(let path, nil, _):
            "the plugin \(path) is not signed, and the settings say require-signature; "
                + "sign it with fanfold plugin sign"
        case .unsigned(let path, let signer?, let publicKey):
            "the plugin \(path) is signed by \(signer), which the settings do not allow; "
                + "if you trust it, add \"\(publicKey ?? "")\" to plugins: allowed-keys"
        case .locked(let path, let what): "the plugin \(path) is refused: \(what)"
        case .replacedInPlace(let path):
            "the plugin \(path) was replaced while this process has it open where it lies, since "
                + "it needs a library beside it; start a new process to use the new one"
        default: ""
        }
    }

    private static func short(_ names: [String]) -> String {
        let most = 5
        guard !names.isEmpty else { return "nothing" }
        let rest = names.count - most
        return names.prefix(most).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    /// The file in which a bundled component is looked for.
    static func fileName(for name: String) -> String { "libfanfold-\(name).so" }
}
