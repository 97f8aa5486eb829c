import FanfoldJSON
@preconcurrency import Glibc
import NIOPosix
import Synchronization

/// Tokens in a file that only its owner may read or write; digests, never secrets.
///
/// A change is on the disk before it is answered: written beside the file, synchronised, put in its place.
package final class FileTokenStore: TokenStore {
    /// Bytes of the largest file that is read.
    static let maximumBytes = 4 << 20

    private let path: String
    private let state: Mutex<[TokenRecord]>
    /// One change at a time: the file is written while this is held, by a thread that may wait.
    private let writing = Mutex(())

    /// Reads the file at `path`; there is none before the first token is made.
    ///
    /// Throws: `invalid` if others may read or write the file, or it is not one of ours.
    package init(path: String) throws(ControlError) {
        self.path = path
        state = Mutex(try Self.read(path))
    }

    /// Those of the file, and what changed since it was read.
    package func records() -> [TokenRecord] { state.withLock { $0 } }

    /// Makes a token; when this returns, it is on the disk.
    ///
    /// Throws: `too-many` past ``APILimits/tokens`` that are still good, `unavailable` if it cannot be written.
    package func create(name: String, role: Role, lifetimeSeconds: Int64?)
        async throws(ControlError) -> (record: TokenRecord, secret: String)
    {
        let secret = TokenSecret.random()
        let now = Timestamp.now()
        let record = TokenRecord(
            id: TokenSecret.randomID(), name: name, role: role,
            digest: TokenSecret.digest(of: secret), created: now,
            expires: lifetimeSeconds.map(now.advanced(bySeconds:)))
        try await change { records throws(ControlError) in
            if records.count >= APILimits.tokens {
                records.removeAll { $0.isRevoked || ($0.expires.map { $0 <= now } ?? false) }
            }
            guard records.count < APILimits.tokens else {
                throw ControlError(
                    .tooMany,
                    "there are \(APILimits.tokens) tokens; revoke those that nobody needs")
            }
            records.append(record)
        }
        return (record, secret)
    }

    /// Makes a token worthless, at once and after a restart.
    package func revoke(id: String) async throws(ControlError) {
        try await change { records throws(ControlError) in
            guard let index = records.firstIndex(where: { $0.id == id }) else {
                throw ControlError(.notFound, "there is no token \(id)")
            }
            records[index].isRevoked = true
        }
    }

    private func change(
        _ body: @escaping @Sendable (inout [TokenRecord]) throws(ControlError) -> Void
    ) async throws(ControlError) {
        do {
            try await NIOThreadPool.singleton.runIfActive {
                try self.writing.withLock { _ in
                    var records = self.records()
                    try body(&records)
                    try Self.write(records, to: self.path)
                    self.state.withLock { $0 = records }
                }
            }
        } catch let error as ControlError {
            throw error
        } catch {
            throw ControlError(.fault, "tokens: \(error)")
        }
    }
}

extension FileTokenStore {
    private static func read(_ path: String) throws(ControlError) -> [TokenRecord] {
        let bytes: [UInt8]
        do throws(PrivateFile.Refusal) {
            guard let found = try PrivateFile.read(path, maximumBytes: maximumBytes) else {
                return []
            }
            bytes = found
        } catch {
            throw ControlError(.invalid, error.message)
        }
        let damaged = ControlError(
            .invalid,
            "\(path) is no file of tokens; put back a copy, or remove it and make new tokens")
        guard let json = try? JSON(parsing: bytes), json["version"]?.integerValue == 1,
            let entries = json["tokens"]?.arrayValue
        else { throw damaged }
        var records: [TokenRecord] = []
        for entry in entries {
            guard let record = TokenRecord(json: entry) else { throw damaged }
            records.append(record)
        }
        return records
    }

    private static func write(_ records: [TokenRecord], to path: String) throws(ControlError) {
        let document: JSON = ["version": 1, "tokens": .array(records.map(\.storedJSON))]
        do throws(PrivateFile.Refusal) {
            try PrivateFile.write(Array(document.prettyText.utf8), to: path)
        } catch {
            throw ControlError(.unavailable, error.message)
        }
    }
}

extension TokenRecord {
    init?(json: JSON) {
        guard let id = json["id"]?.stringValue, let name = json["name"]?.stringValue,
            let role = (json["role"]?.stringValue).flatMap(Role.init),
            let digest = (json["sha256"]?.stringValue).flatMap(TokenSecret.bytes(hexadecimal:)),
            digest.count == 32, let created = json["created"]?.integerValue
        else { return nil }
        self.init(
            id: id, name: name, role: role, digest: digest,
            created: Timestamp(milliseconds: created),
            expires: json["expires"]?.integerValue.map(Timestamp.init(milliseconds:)),
            isRevoked: json["revoked"]?.boolValue ?? false)
    }

    fileprivate var storedJSON: JSON {
        var object = JSONObject([
            ("id", .string(id)), ("name", .string(name)), ("role", .string(role.rawValue)),
            ("sha256", .string(TokenSecret.hexadecimal(digest))),
            ("created", .integer(created.milliseconds)),
        ])
        if let expires { object["expires"] = .integer(expires.milliseconds) }
        if isRevoked { object["revoked"] = true }
        return .object(object)
    }
}
