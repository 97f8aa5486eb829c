import FanfoldPlugins
@preconcurrency import Glibc

/// Addresses from which machines get their own credentials, and others that no request should
/// reach by accident: a plugin gets there only if its grant names them literally.
///
/// Source: the providers' documentation of their metadata services; RFC 3927 and RFC 4291,
/// section 2.5.6, for link-local addresses.
enum GuardedAddresses {
    /// Names that lead to metadata services.
    static let names: Set<String> = [
        "metadata.google.internal", "metadata", "instance-data", "instance-data.ec2.internal",
        "metadata.azure.internal", "metadata.packet.net",
    ]

    /// Outside the link-local ranges: EC2 and Google over IPv6, Azure, Alibaba, Oracle.
    private static let addresses: Set<[UInt8]> = [
        [0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
        [0xFD, 0x20, 0x00, 0xCE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54],
        [168, 63, 129, 16],
        [100, 100, 100, 200],
        [192, 0, 0, 192],
    ]

    /// Whether a grant allows a host, as far as this rule goes.
    static func allows(_ host: String, by grant: PluginGrant) -> Bool {
        guard names.contains(host) || bytes(of: host).map(isGuarded) == true else { return true }
        return literalHosts(grant).contains(host)
    }

    /// Whether a connection to such an address may carry requests of a plugin with that grant.
    ///
    /// The name that led there is not known any more, therefore a grant of one guarded name or
    /// address is a grant of all that are guarded.
    static func allowsConnection(to address: [UInt8], by grant: PluginGrant) -> Bool {
        guard isGuarded(address) else { return true }
        return literalHosts(grant).contains { host in
            names.contains(host) || bytes(of: host).map(isGuarded) == true
        }
    }

    /// Whether 4 or 16 bytes are such an address.
    static func isGuarded(_ address: [UInt8]) -> Bool {
        if address.count == 16 {
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            if Array(address[..<12]) == mapped { return isGuarded(Array(address[12...])) }
            if address[0] == 0xFE, address[1] & 0xC0 == 0x80 { return true }
            return addresses.contains(address)
        }
        return address.starts(with: [169, 254]) || addresses.contains(address)
    }

    /// The 4 or 16 bytes of an address; `nil` for a name.
    static func bytes(of host: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 {
            return withUnsafeBytes(of: &four) { Array($0) }
        }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, host, &sixteen) == 1 else { return nil }
        return withUnsafeBytes(of: &sixteen) { Array($0) }
    }

    /// The hosts of a grant that are no patterns, without ports and brackets.
    private static func literalHosts(_ grant: PluginGrant) -> [String] {
        grant.hosts.compactMap { text in
            var host = text.lowercased()
            if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
                return String(host[..<end].dropFirst())
            }
            if let colon = host.lastIndex(of: ":") { host = String(host[..<colon]) }
            return host.contains("*") ? nil : host
        }
    }
}
