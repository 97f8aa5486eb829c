/// The files with which commands on the coordinator's machine find the API and get in.
///
/// Whoever can read them is the user that runs the coordinator, or root.
package struct LocalAccess: Sendable {
    /// The name of the file with the address: one line.
    package static let addressFile = "api-address"
    /// The name of the file with the secret of an admin's token: one line.
    package static let tokenFile = "api-token"
    /// The name of the token in lists.
    package static let tokenName = "local"
    private static let maximumBytes = 4_096

    private let folder: String

    /// The files of a folder, which must be there.
    package init(folder: String) { self.folder = folder }

    /// Writes the address, and makes the token unless the one that is there is still good.
    ///
    /// Throws: what could not be written.
    package func publish(address: String, tokens: any TokenStore) async throws(ControlError) {
        let path = "\(folder)/\(Self.tokenFile)"
        let known = try Self.line(of: path)
        let isGood = known.flatMap { tokens.identity(of: $0, at: .now()) }?.role == .admin
        if !isGood {
            let made = try await tokens.create(
                name: Self.tokenName, role: .admin, lifetimeSeconds: nil)
            try Self.write(made.secret, to: path)
        }
        try Self.write(address, to: "\(folder)/\(Self.addressFile)")
    }

    private static func line(of path: String) throws(ControlError) -> String? {
        do throws(PrivateFile.Refusal) {
            let bytes = try PrivateFile.read(path, maximumBytes: maximumBytes)
            return bytes.map { String(decoding: $0.prefix { $0 != 10 }, as: UTF8.self) }
        } catch {
            throw ControlError(.unavailable, error.message)
        }
    }

    private static func write(_ text: String, to path: String) throws(ControlError) {
        do throws(PrivateFile.Refusal) {
            try PrivateFile.write(Array((text + "\n").utf8), to: path)
        } catch {
            throw ControlError(.unavailable, error.message)
        }
    }
}
