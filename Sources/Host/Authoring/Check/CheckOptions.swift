import FanfoldJSON
import FanfoldRuntime
@preconcurrency import Glibc

/// How `fanfold plugin check` is run.
package struct CheckOptions: Sendable {
    /// What the made-up work follows from.
    package var seed: UInt64 = 1
    /// Whether the checks run in this process, for a debugger.
    package var inProcess = false
    /// How many checks run at a time.
    package var jobs = 1
    /// The library of the previous version, for `id-stability`.
    package var since: String?
    /// The checks that are switched off, with the written reason.
    package var switchedOff: [String: String] = [:]

    /// The defaults: one job, seed 1.
    package init() {}
}

/// The file beside a plugin that switches checks off, each with a reason.
///
/// Shape: `skip: { NAME: "why" }`.
package enum CheckSettings {
    /// The name of the file that is looked for beside the library.
    package static let fileName = "fanfold-check.yaml"
    /// How long the file may be, in bytes.
    static let maximumBytes = 65_536

    /// Why a file of settings cannot be used.
    package struct Refusal: Error {
        /// What was wanted, what was found, and what to do.
        package var message: String
    }

    /// The file beside the library; `nil` if there is none.
    package static func path(beside library: String) -> String? {
        let folder = library.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        let path = (folder + [Substring(fileName)]).joined(separator: "/")
        return access(path, F_OK) == 0 ? path : nil
    }

    /// Reads the checks that are switched off, and why.
    package static func switchedOff(
        in path: String, known: [String]
    ) throws(Refusal) -> [String: String] {
        guard let bytes = read(path) else {
            throw Refusal(
                message: "cannot read \(path): \(String(cString: strerror(errno))); "
                    + "wanted a file of at most \(maximumBytes) bytes")
        }
        let document = YAMLDocument(bytes)
        if let problem = document.firstProblem {
            throw Refusal(message: "\(path):\(problem)")
        }
        guard let object = document.root.json().0.objectValue else {
            throw Refusal(message: "\(path): wanted skip: { CHECK: \"why\" }")
        }
        if let other = object.keys.first(where: { $0 != "skip" }) {
            throw Refusal(message: "\(path): there is no setting \"\(other)\"; there is: skip")
        }
        var reasons: [String: String] = [:]
        for (name, value) in object["skip"]?.objectValue?.members ?? [] {
            guard known.contains(name) else {
                throw Refusal(
                    message: "\(path): there is no check \"\(name)\"; "
                        + "see fanfold plugin check --list")
            }
            guard let reason = value.stringValue, reason.contains(" ") else {
                throw Refusal(
                    message: "\(path): \(name) is switched off without a reason; "
                        + "write one, in words")
            }
            reasons[name] = reason
        }
        return reasons
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rb") else { return nil }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: maximumBytes + 1) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        return bytes.count <= maximumBytes ? bytes : nil
    }
}
