import FanfoldJSON
@preconcurrency import Glibc

/// A file that goes with a pipeline that is submitted, beside those of its inputs.
package struct TravellingFile: Hashable, Sendable {
    /// Why it goes.
    package enum Reason: String, Hashable, Sendable {
        /// `plugins: NAME: path:`.
        case plugin
        /// Lies beside a plugin and says who made it.
        case signature
        /// `fanfold.lock` beside the document.
        case lock
        /// `native: library:`.
        case library
        /// A word of `command:` that names it.
        case command
        /// `files:` of a task.
        case listed
    }

    /// Where it goes, relative to the folder of the document.
    package var path: String
    /// Where it is, an absolute path.
    package var source: String
    /// Why it goes.
    package var reason: Reason
    /// The place in the document that names it.
    let pointer: JSONPointer

    /// Whether workers get it; the lock is the coordinator's alone.
    package var isForWorkers: Bool { reason != .lock }

    /// Whether its owner may execute it.
    package var isExecutable: Bool {
        var status = stat()
        return stat(source, &status) == 0 && status.st_mode & S_IXUSR != 0
    }

    /// Where plugins go that lie outside the folder of the document.
    package static let pluginFolder = ".fanfold-plugins"
}

/// How much may travel with a run.
package enum ShippingLimits {
    /// Files of a run.
    package static let files = 100_000
    /// Bytes of one file.
    package static let fileBytes: Int64 = 16 << 30
    /// Bytes of all files of a run that workers get.
    package static let totalBytes: Int64 = 64 << 30
    /// Bytes of the list of them.
    package static let manifestBytes = 64 << 20
    /// Bytes of a path.
    package static let pathBytes = 4_000
}

/// Paths relative to the folder of a document.
package enum RelativePath {
    /// The path without `.`, `..` and doubled slashes; `nil` if it is absolute, leads out of the
    /// folder, or is the folder.
    package static func inside(_ path: some StringProtocol) -> String? {
        guard !path.hasPrefix("/") else { return nil }
        var names: [Substring] = []
        for name in Substring(path).split(separator: "/") where name != "." {
            if name != ".." {
                names.append(name)
            } else if names.popLast() == nil {
                return nil
            }
        }
        return names.isEmpty ? nil : names.joined(separator: "/")
    }

    /// Whether what a path leads to, links being followed, lies below a folder.
    static func isReally(_ path: String, below folder: String) -> Bool {
        guard let real = realpath(path, nil) else { return false }
        defer { free(real) }
        guard let base = realpath(folder, nil) else { return false }
        defer { free(base) }
        let root = String(cString: base)
        return String(cString: real).hasPrefix(root == "/" ? root : root + "/")
    }
}

extension Pipeline {
    /// What keeps the pipeline from being submitted, though it would run on this machine.
    package func submissionProblems() -> [Diagnostic] {
        var problems = strays
        var total: Int64 = 0
        for file in files {
            var status = stat()
            guard stat(file.source, &status) == 0 else { continue }
            total += Int64(status.st_size)
            guard Int64(status.st_size) > ShippingLimits.fileBytes else { continue }
            problems.append(
                refusal(
                    file,
                    "\(file.path) has \(status.st_size) bytes, more than "
                        + "ShippingLimits.fileBytes = \(ShippingLimits.fileBytes); "
                        + "put it on the workers and name it by an absolute path"))
        }
        if let last = files.last, total > ShippingLimits.totalBytes {
            problems.append(
                refusal(
                    last,
                    "the files that travel have \(total) bytes, more than "
                        + "ShippingLimits.totalBytes = \(ShippingLimits.totalBytes)"))
        }
        if let last = files.last, files.count > ShippingLimits.files {
            problems.append(
                refusal(
                    last,
                    "\(files.count) files travel, more than "
                        + "ShippingLimits.files = \(ShippingLimits.files)"))
        }
        return problems
    }

    /// The plugin whose file goes to another place than the document says, and that place.
    package func movedPlugin(_ file: TravellingFile) -> (name: String, path: String)? {
        guard file.reason == .plugin, file.path.hasPrefix(TravellingFile.pluginFolder + "/"),
            let plugin = plugins.first(where: { $0.path == file.source })
        else { return nil }
        return (plugin.name, file.path)
    }

    private func refusal(_ file: TravellingFile, _ message: String) -> Diagnostic {
        source.diagnostic(file.pointer, message, help: "docs/pipelines.md#files-that-travel")
    }
}
