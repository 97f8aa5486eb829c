import NIOSSL

/// Where the API listens, and how it is protected.
package struct APIConfiguration: Sendable {
    /// Where certificate and key come from.
    package enum TLS: Sendable {
        /// PEM files: the chain of certificates, the private key.
        case files(certificates: String, key: String)
        /// Made by the caller.
        case configuration(TLSConfiguration)
    }

    /// A name or an address.
    package var host: String
    /// 0 takes any that is free.
    package var port: Int
    /// `nil` only for addresses of this machine.
    package var tls: TLS?
    /// The folder that gets `api-token` and `api-address`, with which commands on this machine find
    /// the server; `nil` for none.
    package var localFolder: String?
    /// What clients may take.
    package var limits: APILimits

    /// On this machine only, unless it says otherwise.
    package init(
        host: String = "127.0.0.1", port: Int = Self.standardPort, tls: TLS? = nil,
        localFolder: String? = nil, limits: APILimits = APILimits()
    ) {
        self.host = host
        self.port = port
        self.tls = tls
        self.localFolder = localFolder
        self.limits = limits
    }

    /// The port unless someone says otherwise.
    package static let standardPort = 7_433

    /// Whether only this machine can connect.
    package var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The address that clients use, once the port is known.
    package func address(port: Int) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "\(tls == nil ? "http" : "https")://\(name):\(port)"
    }

    func tlsConfiguration() throws(APIServerError) -> TLSConfiguration? {
        switch tls {
        case nil:
            guard isLoopback else { throw .needsTLS(host: host) }
            return nil
        case .configuration(let configuration): return configuration
        case .files(let certificates, let key):
            do {
                var configuration = TLSConfiguration.makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMFile(certificates)
                        .map(NIOSSLCertificateSource.certificate),
                    privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
                configuration.minimumTLSVersion = .tlsv12
                return configuration
            } catch {
                throw .badTLS(certificates: certificates, key: key, reason: "\(error)")
            }
        }
    }
}

/// Why the API does not listen.
package enum APIServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another machine could read what is said.
    case needsTLS(host: String)
    /// Certificate or key are no use.
    case badTLS(certificates: String, key: String, reason: String)
    /// The address is taken, or not one of this machine.
    case cannotListen(address: String, reason: String)
    /// The token and the address for local commands could not be written.
    case cannotWrite(reason: String)

    package var description: String {
        switch self {
        case .needsTLS(let host):
            "the API may not listen on \(host) without TLS: give a certificate and a key, or listen "
                + "on 127.0.0.1"
        case .badTLS(let certificates, let key, let reason):
            "wanted a certificate in \(certificates) and its key in \(key), both PEM: \(reason)"
        case .cannotListen(let address, let reason):
            "the API cannot listen on \(address): \(reason)"
        case .cannotWrite(let reason): "local commands could not find the API: \(reason)"
        }
    }
}
