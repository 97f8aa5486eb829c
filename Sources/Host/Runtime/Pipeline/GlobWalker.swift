@preconcurrency import Glibc

/// Finds the files that a pattern names.
///
/// A file is regular, or a link to one.  `**` does not go into folders that are links, so that a
/// loop of links cannot hold it up; a name that is written out may be a link.
struct GlobWalker {
    /// How many files one pattern may name.
    static let maximumFiles = 1_000_000
    /// How many entries of folders are looked at for one pattern.
    static let maximumEntries = 20_000_000
    /// How many folders inside one another `**` goes into.
    static let maximumFolders = 128

    /// Why the walk ended early.
    struct Failure: Error {
        var message: String
    }

    private let components: [GlobPattern.Component]
    private let maximumFiles: Int
    private var found: [String] = []
    private var entries = 0

    /// The absolute paths of the files, sorted by their bytes, each once.
    ///
    /// - Parameter directory: where a relative pattern begins; an absolute path.
    static func files(
        _ pattern: GlobPattern, in directory: String, maximumFiles: Int = Self.maximumFiles
    ) throws(Failure) -> [String] {
        var walker = GlobWalker(components: pattern.components, maximumFiles: maximumFiles)
        try walker.walk(pattern.isAbsolute ? "" : directory, 0, folders: 0)
        walker.found.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        var files: [String] = []
        for file in walker.found where file != files.last { files.append(file) }
        return files
    }

    private init(components: [GlobPattern.Component], maximumFiles: Int) {
        self.components = components
        self.maximumFiles = maximumFiles
    }

    private mutating func walk(
        _ folder: String, _ index: Int, folders: Int
    ) throws(Failure) {
        guard index < components.count else { return }
        let isLast = index == components.count - 1
        switch components[index] {
        case .name(let name):
            let path = folder + "/" + name
            if !isLast {
                try walk(path, index + 1, folders: folders)
            } else if FileKind.of(path) == .file {
                try take(path)
            }
        case .pattern(let tokens):
            for entry in try list(folder) where GlobPattern.matches(entry.name, tokens) {
                let path = folder + "/" + entry.name
                let kind =
                    entry.kind == .link || entry.kind == .unknown
                    ? FileKind.of(path) : entry.kind
                if isLast, kind == .file {
                    try take(path)
                } else if !isLast, kind == .folder {
                    try walk(path, index + 1, folders: folders)
                }
            }
        case .anyFolders:
            try walk(folder, index + 1, folders: folders)
            for entry in try list(folder) where !entry.name.hasPrefix(".") {
                let path = folder + "/" + entry.name
                let kind = entry.kind == .unknown ? FileKind.ofEntry(path) : entry.kind
                guard kind == .folder else { continue }
                guard folders < Self.maximumFolders else {
                    throw Failure(
                        message: "\(path) is more than \(Self.maximumFolders) folders deep; "
                            + "name a folder further down")
                }
                try walk(path, index, folders: folders + 1)
            }
        }
    }

    private mutating func take(_ path: String) throws(Failure) {
        guard found.count < maximumFiles else {
            throw Failure(
                message: "the pattern names more than \(maximumFiles) files; "
                    + "split it over several inputs")
        }
        found.append(path)
    }

    /// The entries of a folder; none if it is not there or is no folder.
    private mutating func list(_ folder: String) throws(Failure) -> [FolderEntry] {
        let list: [FolderEntry]
        do throws(FolderEntry.Unreadable) {
            list = try FolderEntry.list(folder.isEmpty ? "/" : folder)
        } catch {
            throw Failure(message: "cannot read the folder \(folder): \(error.reason)")
        }
        entries += list.count
        guard entries <= Self.maximumEntries else {
            throw Failure(
                message: "the pattern leads through more than \(Self.maximumEntries) entries; "
                    + "name a folder further down")
        }
        return list
    }
}
