import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Credentials that a cloud gives to the machine or the container that the host runs on.
///
/// Only the host asks; a plugin reaches such a service no more than before.
///
/// Source: EC2 User Guide, Use the Instance Metadata Service (version 2); AWS SDKs and Tools
/// Reference Guide, container credential provider; Compute Engine, Authenticate workloads.
package final class MetadataCredentials: Sendable {
    /// What a service said, in the form in which a secret of that cloud is read.
    struct Found: Sendable {
        var value: SecretValue
        /// Seconds since 1970.
        var expiresAt: Int64
    }

    /// Seconds before their end at which credentials are asked for anew, at most a quarter of
    /// what is left of them: new ones are there at least five minutes before.
    static let earlySeconds: Int64 = 300
    /// Seconds for which they are kept at most.
    static let longestKeptSeconds: Int64 = 3_600
    /// Seconds for which a session of EC2's service is asked.
    static let sessionSeconds = 60
    /// Exchanges of one question; a service of a busy machine may miss one.
    static let attempts = 3
    /// Nanoseconds of one exchange.
    static let exchangeNanoseconds: UInt64 = 2_000_000_000
    /// Nanoseconds in which a connection must come about: nobody answers outside the cloud.
    static let connectNanoseconds: Int64 = 1_000_000_000

    /// Where a container's credentials may come from in clear: itself, ECS and EKS.
    private static let containerHosts: Set<String> = [
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23",
    ]

    private let transport: any HTTPTransport
    private let variable: @Sendable (String) -> String?

    /// One that has asked nobody yet.
    ///
    /// Parameter variable: reads the environment, in which each cloud's own tools look too.
    package convenience init() {
        self.init(transport: Self.networkTransport()) { name in
            getenv(name).map { String(cString: $0) }
        }
    }

    init(transport: any HTTPTransport, variable: @escaping @Sendable (String) -> String?) {
        self.transport = transport
        self.variable = variable
    }

    private static func networkTransport() -> ClientTransport {
        var options = ClientTransport.Options()
        options.connectNanoseconds = connectNanoseconds
        options.answerBodyBytes = SecretStore.maximumBytes
        // Its hosts are the cloud's own; a grant of plugins has no part in it.
        return ClientTransport(options, grant: PluginGrant(hosts: ["169.254.169.254"]))
    }

    /// The credentials of now.
    ///
    /// - Throws: UNAUTHENTICATED and RENEWED: the service is not there, or has none.
    func credentials(
        of service: MetadataService, secret: String, unixSeconds: Int64
    ) async throws(PluginFailure) -> Found {
        let asker = Asker(secret: secret, transport: transport)
        switch service {
        case .google: return try await google(asker, unixSeconds)
        case .aws:
            if let container = try containerRequest(secret) {
                let who = "the service of the container's credentials"
                return try Self.keys(await asker.answer(container, who: who), secret)
            }
            return try await instance(asker)
        }
    }

    /// Seconds for which they are kept, none for those that have expired.
    static func keptSeconds(_ found: Found, unixSeconds: Int64) -> Int64 {
        let left = max(0, found.expiresAt - unixSeconds)
        return min(longestKeptSeconds, left - min(earlySeconds, left / 4))
    }

    /// The token in what ``credentials(of:secret:unixSeconds:)`` gives for Google.
    static func googleToken(_ text: String) -> String? {
        do throws(JSONParseError) {
            return try JSON(parsing: text)["access_token"]?.stringValue
        } catch {
            return nil
        }
    }
}

// MARK: - AWS

extension MetadataCredentials {
    private func instance(_ asker: Asker) async throws(PluginFailure) -> Found {
        let secret = asker.secret
        guard variable("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else {
            throw .credential(
                "secret.metadata",
                "the secret \"\(secret)\" comes from the instance's metadata, which "
                    + "AWS_EC2_METADATA_DISABLED forbids; unset it")
        }
        let isSixth = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
        let base =
            variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
            ?? (isSixth ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
        let who = "the instance's metadata service"
        let session = try await asker.answer(
            Self.request(
                base, "/latest/api/token", secret, method: "PUT",
                header: ("X-aws-ec2-metadata-token-ttl-seconds", "\(Self.sessionSeconds)")),
            who: who)
        guard session.isHeaderValue, !session.isEmpty else {
            throw asker.failure(who, "gave no session; wanted version 2 of it")
        }
        let proof = ("X-aws-ec2-metadata-token", session)
        let folder = "/latest/meta-data/iam/security-credentials/"
        let roles = try await asker.answer(
            Self.request(base, folder, secret, header: proof), who: who,
            ifMissing: "knows no role; attach an instance profile to the instance")
        guard let role = roles.split(whereSeparator: \.isNewline).first,
            role.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw asker.failure(who, "knows no role; attach an instance profile to it") }
        return try Self.keys(
            await asker.answer(
                Self.request(base, folder + role, secret, header: proof), who: who), secret)
    }

    /// The request for a container's credentials; `nil` outside of one.
    private func containerRequest(
        _ secret: String
    ) throws(PluginFailure) -> OutgoingRequest? {
        let address: String
        if let path = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            address = "http://169.254.170.2" + path
        } else if let whole = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            address = whole
        } else {
            return nil
        }
        var request = try Self.request(address, "", secret)
        let url = request.url
        guard url.scheme == .https || url.isThisMachine || Self.containerHosts.contains(url.host)
        else {
            throw .credential(
                "secret.metadata",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI of the secret \"\(secret)\" is "
                    + "\(url.shown); wanted https, this machine or an address of ECS or EKS")
        }
        if let token = try containerToken(secret) {
            guard token.isHeaderValue else {
                throw .credential(
                    "secret.form",
                    "the container's token for the secret \"\(secret)\" is no header's value")
            }
            request.set("Authorization", token)
        }
        return request
    }

    /// The token of a container: the file's, which is renewed in place, before the variable's.
    private func containerToken(_ secret: String) throws(PluginFailure) -> String? {
        guard let path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") else {
            return variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        }
        guard let file = fopen(path, "re") else {
            throw .credential(
                "secret.unreadable",
                "the file \(path) of the container's token for the secret \"\(secret)\" cannot be "
                    + "read: \(systemWords(errno))")
        }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: SecretStore.maximumBytes)
        let count = fread(&bytes, 1, bytes.count, file)
        return SecretValue(Array(bytes[..<count])).text
    }

    private static func keys(_ text: String, _ secret: String) throws(PluginFailure) -> Found {
        guard let credentials = AWSCredentials(text, profile: ""),
            let expiresAt = credentials.expiresAt
        else {
            throw .credential(
                "secret.metadata",
                "the metadata service gave no keys for the secret \"\(secret)\"; wanted "
                    + "AccessKeyId, SecretAccessKey, Token and Expiration, as JSON")
        }
        return Found(value: SecretValue(Array(text.utf8)), expiresAt: expiresAt)
    }
}

// MARK: - Google

extension MetadataCredentials {
    private func google(_ asker: Asker, _ unixSeconds: Int64) async throws(PluginFailure) -> Found {
        let host = variable("GCE_METADATA_HOST") ?? "metadata.google.internal"
        let who = "Google's metadata service"
        let text = try await asker.answer(
            Self.request(
                "http://\(host)", "/computeMetadata/v1/instance/service-accounts/default/token",
                asker.secret, header: ("Metadata-Flavor", "Google")),
            who: who, ifMissing: "knows no service account; attach one to the instance")
        var json: JSON = .null
        do throws(JSONParseError) {
            json = try JSON(parsing: text)
        } catch {
            // Judged below, where an answer without a token is none.
            json = .null
        }
        guard let token = json["access_token"]?.stringValue, !token.isEmpty, token.isHeaderValue,
            let life = json["expires_in"]?.integerValue, life > 0
        else { throw asker.failure(who, "gave no token; wanted access_token and expires_in") }
        let value: JSON = ["access_token": .string(token)]
        return Found(
            value: SecretValue(Array(value.text.utf8)), expiresAt: unixSeconds + min(life, 86_400))
    }
}

// MARK: - Asking

extension MetadataCredentials {
    private static func request(
        _ base: String, _ path: String, _ secret: String, method: String = "GET",
        header: (name: String, value: String)? = nil
    ) throws(PluginFailure) -> OutgoingRequest {
        let address = (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
        do throws(HTTPServiceURL.Refusal) {
            let url = try HTTPServiceURL(address)
            let headers = header.map { [HTTPServiceHeader($0.name, $0.value)] } ?? []
            return OutgoingRequest(method: method, url: url, headers: headers)
        } catch {
            throw .credential(
                "secret.metadata",
                "the address of the metadata service for the secret \"\(secret)\": "
                    + error.message)
        }
    }

    /// Asks for one secret.
    private struct Asker {
        var secret: String
        var transport: any HTTPTransport

        /// The body of an answer of 200, as text.
        func answer(
            _ request: OutgoingRequest, who: String, ifMissing missing: String? = nil
        ) async throws(PluginFailure) -> String {
            var words = ""
            for _ in 0..<MetadataCredentials.attempts where !Task.isCancelled {
                switch await transport.exchange(
                    request, timeout: MetadataCredentials.exchangeNanoseconds)
                {
                case .success(let answer) where answer.status == 200:
                    return SecretValue(answer.body).text
                case .success(let answer) where answer.status == 404 && missing != nil:
                    throw failure(who, missing ?? "")
                case .success(let answer):
                    words = "answered \(answer.status)"
                    guard answer.status >= 500 || answer.status == 429 else {
                        throw failure(who, words)
                    }
                case .failure(let error):
                    words =
                        "cannot be reached at \(request.url.shown) ("
                        + PluginFailure(
                            error, at: request.url,
                            milliseconds: MetadataCredentials.exchangeNanoseconds / 1_000_000
                        ).reason + "); outside that cloud, take the secret from a file or a command"
                }
            }
            throw failure(who, words)
        }

        func failure(_ who: String, _ words: String) -> PluginFailure {
            .credential("secret.metadata", "\(who), for the secret \"\(secret)\", \(words)")
        }
    }
}
