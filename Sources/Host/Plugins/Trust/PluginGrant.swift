/// What the user lets a plugin do through the host: `grant:` in the pipeline.
///
/// Nothing is granted unless it is said.  Lane, metrics and blobs need no grant: they reach nothing
/// outside the run.
package struct PluginGrant: Hashable, Sendable {
    /// How many hosts one grant may name.
    package static let maximumHosts = 64
    /// How many secrets one grant may name.
    package static let maximumSecrets = 64

    /// Patterns of the hosts that `fanfold.http/1` may reach: see ``HostPattern``.
    package var hosts: [String]
    /// Names of the secrets that may sign requests; their values stay with the host.
    package var secrets: [String]
    /// Whether `fanfold.store/1` keeps values for it.
    package var store: Bool

    /// A grant of nothing but what is said.
    package init(hosts: [String] = [], secrets: [String] = [], store: Bool = false) {
        self.hosts = hosts
        self.secrets = secrets
        self.store = store
    }

    /// Nothing at all.
    package static let nothing = PluginGrant()

    /// Whether a request may go there.
    ///
    /// A pattern that cannot be read allows nothing.
    ///
    /// - Parameters:
    ///   - host: the name or the address, or `unix:/PATH` for a socket.
    ///   - port: `nil` if none was named.
    package func allows(host: String, port: Int?) -> Bool {
        hosts.contains { text in
            do throws(HostPattern.Problem) {
                return try HostPattern(text).matches(host: host, port: port)
            } catch {
                return false
            }
        }
    }

    /// Whether a secret may sign its requests.
    package func allows(secret: String) -> Bool { secrets.contains(secret) }

    /// Which of the services that a component asks for are not granted, in its order.
    package func lacking(of services: [String]) -> [String] {
        services.filter { service in
            switch service {
            case "fanfold.http/1": hosts.isEmpty
            case "fanfold.store/1": !store
            default: false
            }
        }
    }

    /// One line for people: `hosts ec2.*.amazonaws.com; secrets ec2; store`.
    package var summary: String {
        var parts: [String] = []
        if !hosts.isEmpty { parts.append("hosts " + hosts.joined(separator: ", ")) }
        if !secrets.isEmpty { parts.append("secrets " + secrets.joined(separator: ", ")) }
        if store { parts.append("store") }
        return parts.isEmpty ? "nothing" : parts.joined(separator: "; ")
    }
}
