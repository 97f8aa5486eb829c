import CPluginABI
import FanfoldPlugins
@preconcurrency import Glibc
import Synchronization

/// The secrets of the settings, by name.
///
/// Files and variables are read each time, so that a renewed one is found; what a command printed
/// is kept for a while, and what a metadata service said until shortly before it expires.  A failure names the secret and where it was looked for, never its value.
package final class SecretStore: Sendable {
    /// Bytes of a value.
    static let maximumBytes = 65_536
    /// Nanoseconds for which the output of a command is kept.
    static let commandKeptNanoseconds: UInt64 = 300_000_000_000

    private let sources: [String: SecretSource]
    private let redactor: SecretRedactor
    private let clock: any ServiceClock
    private let metadata: MetadataCredentials
    private let kept = Mutex<[String: (value: SecretValue, until: UInt64)]>([:])

    /// A store that has read nothing yet.
    package init(
        _ sources: [String: SecretSource], redactor: SecretRedactor,
        clock: any ServiceClock = SystemServiceClock(),
        metadata: MetadataCredentials = MetadataCredentials()
    ) {
        self.sources = sources
        self.redactor = redactor
        self.clock = clock
        self.metadata = metadata
    }

    /// The value of a secret.
    ///
    /// - Throws: UNAUTHENTICATED and RENEWED: there is none, or it cannot be read.
    func value(of name: String) async throws(PluginFailure) -> SecretValue {
        guard let source = sources[name] else {
            throw .credential(
                "secret.missing",
                "there is no secret \"\(name)\"; add it to `secrets:` of the settings")
        }
        let value: SecretValue
        switch source {
        case .file(let path): value = try file(path, name)
        case .environment(let variable): value = try environment(variable, name)
        case .command(let arguments): value = try await command(arguments, name)
        case .metadata(let service): value = try await metadata(of: service, name)
        }
        guard !value.text.isEmpty else {
            throw .credential("secret.empty", "the secret \"\(name)\" is empty")
        }
        redactor.learn(value)
        return value
    }

    /// Reads a secret anew the next time.
    func forget(_ name: String) {
        kept.withLock { $0[name] = nil }
    }

    private func file(_ path: String, _ name: String) throws(PluginFailure) -> SecretValue {
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .credential(
                "secret.unreadable",
                "the file \(path) of the secret \"\(name)\" cannot be read: \(systemWords(errno))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .credential(
                "secret.unreadable", "\(path) of the secret \"\(name)\" is not a plain file")
        }
        guard status.st_mode & 0o077 == 0, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw .credential(
                "secret.permissions",
                "others than its owner may read or write the file \(path) of the secret "
                    + "\"\(name)\"; run: chmod 600 \(path)")
        }
        var bytes = [UInt8](repeating: 0, count: Self.maximumBytes + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        guard count <= Self.maximumBytes else { throw Self.tooLong(name) }
        return SecretValue(Array(bytes[..<count]))
    }

    private func environment(
        _ variable: String, _ name: String
    ) throws(PluginFailure) -> SecretValue {
        guard let text = getenv(variable) else {
            throw .credential(
                "secret.missing",
                "the variable \(variable) of the secret \"\(name)\" is not set")
        }
        let bytes = Array(String(cString: text).utf8)
        guard bytes.count <= Self.maximumBytes else { throw Self.tooLong(name) }
        return SecretValue(bytes)
    }

    private func command(
        _ arguments: [String], _ name: String
    ) async throws(PluginFailure) -> SecretValue {
        let now = clock.now()
        if let kept = kept.withLock({ $0[name] }), now < kept.until { return kept.value }
        let outcome = await withCheckedContinuation { done in
            SecretCommand(arguments, outputLimit: Self.maximumBytes).run {
                done.resume(returning: $0)
            }
        }
        switch outcome {
        case .success(let bytes):
            let value = SecretValue(bytes)
            kept.withLock { $0[name] = (value, now + Self.commandKeptNanoseconds) }
            return value
        case .failure(.tooMuchOutput): throw Self.tooLong(name)
        case .failure(let problem):
            throw .credential(
                "secret.command",
                "the command \(arguments.first ?? "") of the secret \"\(name)\" \(problem.words)")
        }
    }

    private func metadata(
        of service: MetadataService, _ name: String
    ) async throws(PluginFailure) -> SecretValue {
        let now = clock.now()
        if let kept = kept.withLock({ $0[name] }), now < kept.until { return kept.value }
        let unixSeconds = clock.unixSeconds()
        let found = try await metadata.credentials(
            of: service, secret: name, unixSeconds: unixSeconds)
        let seconds = MetadataCredentials.keptSeconds(found, unixSeconds: unixSeconds)
        kept.withLock { $0[name] = (found.value, now + UInt64(seconds) * 1_000_000_000) }
        return found.value
    }

    private static func tooLong(_ name: String) -> PluginFailure {
        .credential(
            "secret.size", "the secret \"\(name)\" is longer than \(maximumBytes) bytes")
    }
}

/// What the C library says about an error number.
func systemWords(_ code: Int32) -> String { String(cString: strerror(code)) }
