import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// Puts a signature on requests of one plugin.
package protocol RequestSigning: Sendable {
    /// The request with the headers that prove who sends it, made for this moment.
    ///
    /// - Throws: DENIED and NEVER for a secret that is not granted, UNAUTHENTICATED and RENEWED
    ///   for one that is missing or refused, INVALID and NEVER for wrong options.
    func signed(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing, end: UInt64
    ) async throws(PluginFailure) -> OutgoingRequest

    /// Drops what was kept for a signature that a server refused.
    ///
    /// Returns: Whether something was dropped, so that another signature may fare better.
    func forget(_ signing: HTTPServiceRequest.Signing) async -> Bool
}

/// Signs with the secrets that a grant names.
package final class RequestSigner: RequestSigning {
    private let grant: PluginGrant
    private let secrets: SecretStore
    private let clock: any ServiceClock
    private let google: GoogleTokens

    /// A signer for one component; `attempts` carries the requests for tokens.
    package init(
        grant: PluginGrant, secrets: SecretStore, attempts: AttemptLoop, redactor: SecretRedactor
    ) {
        self.grant = grant
        self.secrets = secrets
        clock = attempts.clock
        google = GoogleTokens(attempts: attempts, redactor: redactor)
    }

    /// The request with its signature.
    package func signed(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing, end: UInt64
    ) async throws(PluginFailure) -> OutgoingRequest {
        guard grant.allows(secret: signing.secret) else {
            throw .never(
                FAN_DENIED, "grant.secret",
                "this plugin may not sign with the secret \"\(signing.secret)\"; add it to "
                    + "`secrets:` of its grant if it should")
        }
        switch signing.scheme {
        case "aws-sigv4": return try await signedForAWS(request, signing)
        case "google-oauth":
            try Self.needPrivacy(request.url, signing)
            return try await signedForGoogle(request, signing, end: end)
        case "tls-client": return try await withIdentity(request, signing)
        case "bearer":
            try Self.needPrivacy(request.url, signing)
            return try await signedAsBearer(request, signing)
        default:
            throw .never(
                FAN_INVALID, "request./sign/with",
                "there is no signature \"\(signing.scheme)\"; wanted "
                    + HTTPServiceRequest.signingSchemes.joined(separator: ", "))
        }
    }

    /// Drops tokens that were kept.
    package func forget(_ signing: HTTPServiceRequest.Signing) async -> Bool {
        secrets.forget(signing.secret)
        return await google.forget(secret: signing.secret)
    }

    private func signedForAWS(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing
    ) async throws(PluginFailure) -> OutgoingRequest {
        let service = try Self.option("service", signing)
        let region = try Self.option("region", signing)
        let profile = signing.options["profile"]?.stringValue ?? "default"
        let now = clock.unixSeconds()
        var credentials = try await credentials(signing.secret, profile)
        if credentials.hasExpired(at: now) {
            // What a command printed may have grown old while it was kept.
            secrets.forget(signing.secret)
            credentials = try await self.credentials(signing.secret, profile)
        }
        guard !credentials.hasExpired(at: now) else {
            throw .credential(
                "secret.expired",
                "the credentials of the secret \"\(signing.secret)\" have expired; renew them")
        }
        return SigV4(credentials: credentials, service: service, region: region)
            .signed(request, unixSeconds: now)
    }

    private func credentials(
        _ secret: String, _ profile: String
    ) async throws(PluginFailure) -> AWSCredentials {
        let value = try await secrets.value(of: secret)
        guard let credentials = AWSCredentials(value.text, profile: profile) else {
            throw .credential(
                "secret.form",
                "the secret \"\(secret)\" holds no AWS credentials; wanted the JSON of a "
                    + "credential process, or a profile [\(profile)] with aws_access_key_id and "
                    + "aws_secret_access_key")
        }
        return credentials
    }

    private func signedForGoogle(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing, end: UInt64
    ) async throws(PluginFailure) -> OutgoingRequest {
        let value = try await secrets.value(of: signing.secret)
        if let token = MetadataCredentials.googleToken(value.text) {
            var request = request
            request.set("Authorization", "Bearer \(token)")
            return request
        }
        let key: GoogleKey
        do throws(GoogleKey.Problem) {
            key = try GoogleKey(value.text)
        } catch {
            throw .credential(
                "secret.form",
                "the secret \"\(signing.secret)\" is no key of a Google service account: "
                    + error.words)
        }
        let token = try await google.token(
            for: try Self.googleUse(signing), key: key, secret: signing.secret, end: end)
        var request = request
        request.set("Authorization", "Bearer \(token)")
        return request
    }

    private func withIdentity(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing
    ) async throws(PluginFailure) -> OutgoingRequest {
        guard request.url.scheme == .https else {
            throw .never(
                FAN_INVALID, "request./url",
                "\"tls-client\" proves who asks by TLS; wanted https, found \(request.url.shown)")
        }
        let value = try await secrets.value(of: signing.secret)
        var request = request
        do throws(ClientIdentity.Problem) {
            request.identity = try ClientIdentity(value)
        } catch {
            throw .credential(
                "secret.form",
                "the secret \"\(signing.secret)\" is no certificate with its key: \(error.words)")
        }
        return request
    }

    private func signedAsBearer(
        _ request: OutgoingRequest, _ signing: HTTPServiceRequest.Signing
    ) async throws(PluginFailure) -> OutgoingRequest {
        let text = try await secrets.value(of: signing.secret).text
        guard text.isHeaderValue else {
            throw .credential(
                "secret.form",
                "the secret \"\(signing.secret)\" holds a line break or a character that no header "
                    + "may have")
        }
        var request = request
        guard let json = signing.options["header"] else {
            request.set("Authorization", "Bearer \(text)")
            return request
        }
        guard let name = json.stringValue, name.isHeaderName,
            !HTTPServiceRequest.hostHeaders.contains(name.lowercased())
        else {
            throw .never(
                FAN_INVALID, "request./sign/header",
                "the request at /sign/header: wanted the name of a header such as \"X-Auth-Token\"")
        }
        request.set(name, text)
        return request
    }

    /// What shows the secret itself, or a token, may not be read on the way.
    private static func needPrivacy(
        _ url: HTTPServiceURL, _ signing: HTTPServiceRequest.Signing
    ) throws(PluginFailure) {
        guard url.scheme == .http, !url.isThisMachine else { return }
        throw .never(
            FAN_DENIED, "sign.plain",
            "\"\(signing.scheme)\" would show the secret \"\(signing.secret)\" to everybody on the "
                + "way to \(url.shown); use https")
    }

    private static func option(
        _ name: String, _ signing: HTTPServiceRequest.Signing
    ) throws(PluginFailure) -> String {
        let value = signing.options[name]?.stringValue ?? ""
        let isPlain = value.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                || byte == UInt8(ascii: "-")
        }
        guard !value.isEmpty, value.utf8.count <= 64, isPlain else {
            throw .never(
                FAN_INVALID, "request./sign/\(name)",
                "the request at /sign/\(name): wanted small letters, digits and '-', such as "
                    + (name == "region" ? "\"eu-central-1\"" : "\"ec2\""))
        }
        return value
    }

    private static func googleUse(
        _ signing: HTTPServiceRequest.Signing
    ) throws(PluginFailure) -> GoogleTokens.Use {
        let options = signing.options
        if let audience = options["audience"]?.stringValue, options["scope"] == nil,
            audience.hasPrefix("https://")
        {
            return .audience(audience)
        }
        let scopes = options["scope"]?.arrayValue ?? options["scope"].map { [$0] } ?? []
        let names = scopes.compactMap(\.stringValue)
        guard options["audience"] == nil, !names.isEmpty, names.count == scopes.count,
            names.allSatisfy({ !$0.isEmpty && $0.isHeaderValue && $0.utf8.count <= 1_024 })
        else {
            throw .never(
                FAN_INVALID, "request./sign/scope",
                "the request at /sign: wanted \"scope\" (a string or a list of strings), or "
                    + "\"audience\" (https://…) for a token that the host signs itself")
        }
        return .scope(names.joined(separator: " "))
    }
}
