import Testing

@testable import FanfoldPlugins

@Suite struct GrantTests {
    @Test(arguments: [
        ("ec2.*.amazonaws.com", "ec2.eu-central-1.amazonaws.com", true),
        ("ec2.*.amazonaws.com", "EC2.EU-Central-1.amazonaws.com.", true),
        ("EC2.*.AmazonAWS.com", "ec2.eu.amazonaws.com", true),
        ("ec2.*.amazonaws.com", "ec2..amazonaws.com", false),
        ("ec2.*.amazonaws.com", "ec2.a.b.amazonaws.com", false),
        ("ec2.*.amazonaws.com", "ec2.eu.amazonaws.com.evil.net", false),
        ("ec2.*.amazonaws.com", "evil.net#.eu.amazonaws.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", "evilexample.com", false),
        ("*.example.com", "a@b.example.com", false),
        ("s3-*.example.com", "s3-eu.example.com", true),
        ("s3-*.example.com", "s3-.example.com", false),
        ("example.com", "example.com", true),
        ("example.com", "examp1e.com", false),
        ("169.254.169.254", "169.254.169.254", true),
        ("[fe80::1]", "fe80::1", true),
        ("[fe80::1]", "[FE80::1]", true),
        ("[fe80::1]", "fe80::2", false),
        ("unix:/run/docker.sock", "unix:/run/docker.sock", true),
        ("unix:/run/docker.sock", "unix:/run/other.sock", false),
        ("unix:/run/docker.sock", "/run/docker.sock", false),
    ])
    func `a host is allowed by a pattern of its labels`(
        _ pattern: String, _ host: String, _ isAllowed: Bool
    ) {
        #expect(PluginGrant(hosts: [pattern]).allows(host: host, port: nil) == isAllowed)
    }

    @Test(
        arguments: [
            ("a.org", nil, true), ("a.org", 443, true), ("a.org", 80, true),
            ("a.org", 8_443, false),
            ("a.org:8443", 8_443, true), ("a.org:8443", nil, false), ("a.org:8443", 443, false),
            ("a.org:*", 1, true), ("a.org:*", nil, true), ("a.org:65535", 65_535, true),
        ] as [(String, Int?, Bool)])
    func `a pattern without a port means the usual ones`(
        _ pattern: String, _ port: Int?, _ isAllowed: Bool
    ) {
        #expect(PluginGrant(hosts: [pattern]).allows(host: "a.org", port: port) == isAllowed)
    }

    @Test(arguments: [
        "", "*", "*.*", "a.*", "*.254", "a..b", "a.**.org", "a.org:0", "a.org:65536", "a.org:x",
        "a.org:+1", "https://a.org", "a.org/path", "user@a.org", "ä.org", "unix:run", "[a.org]",
        String(repeating: "a", count: 256),
    ])
    func `a pattern that means too much or nothing is refused and allows nothing`(_ text: String) {
        #expect(throws: HostPattern.Problem.self) { try HostPattern(text) }
        #expect(!PluginGrant(hosts: [text]).allows(host: text, port: nil))
    }

    @Test func `a pattern at the limit is fine`() throws {
        let longest = String(repeating: "a", count: 255)
        #expect(try HostPattern(longest).matches(host: longest, port: nil))
    }

    @Test func `nothing is granted unless it is said`() {
        let grant = PluginGrant.nothing
        #expect(!grant.allows(host: "localhost", port: nil))
        #expect(!grant.allows(secret: "ec2"))
        #expect(grant.summary == "nothing")
        let services = ["fanfold.lane/1", "fanfold.http/1", "fanfold.store/1", "fanfold.metrics/1"]
        #expect(grant.lacking(of: services) == ["fanfold.http/1", "fanfold.store/1"])
        let full = PluginGrant(hosts: ["a.org"], secrets: ["ec2"], store: true)
        #expect(full.lacking(of: services) == [])
        #expect(full.allows(secret: "ec2"))
        #expect(full.summary == "hosts a.org; secrets ec2; store")
    }
}

@Suite struct IsolationPolicyTests {
    /// Kind, bundled, trusted, asked, isolated.
    private static let table: [(ComponentDescriptor.Kind, Bool, Bool, Isolation?, Bool)] = [
        (.strategy, true, false, nil, false),
        (.strategy, false, true, nil, false),
        (.strategy, false, false, nil, true),
        (.policy, true, false, nil, false),
        (.policy, false, true, nil, false),
        (.policy, false, false, nil, true),
        (.provider, true, true, nil, true),
        (.provider, false, false, nil, true),
        (.executor, true, true, nil, true),
        (.executor, false, false, nil, true),
        (.unknown(9), true, true, nil, true),
        (.strategy, true, true, .process, true),
        (.strategy, false, false, Isolation.none, false),
        (.provider, true, true, Isolation.none, false),
        (.provider, false, false, Isolation.none, false),
        (.executor, false, false, Isolation.none, false),
        (.executor, true, true, .process, true),
    ]

    @Test func `what is asked holds, then what the kind and the author say`() {
        for (kind, isBundled, isTrusted, asked, isIsolated) in Self.table {
            #expect(
                IsolationPolicy.isIsolated(
                    kind: kind, isBundled: isBundled, isTrusted: isTrusted, asked: asked)
                    == isIsolated, "\(kind) \(isBundled) \(isTrusted) \(String(describing: asked))")
        }
    }
}
