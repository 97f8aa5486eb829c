import NIOCore
import Testing

@testable import FanfoldWire

@Suite struct RulesTests {
    private static let fromWorker: [WireMessage.OneOf_Kind] = [
        .inventory(.init()), .heartbeat(.init()), .ended(.with { $0.sequence = 1 }),
        .takenBack(.with { $0.sequence = 1 }), .slotsReturned(.with { $0.sequence = 1 }),
        .progress(.init()), .logChunk(.init()), .leaving(.init()),
    ]
    private static let fromCoordinator: [WireMessage.OneOf_Kind] = [
        .define(.init()), .start(.init()), .takeBack(.init()), .cancel(.init()),
        .acknowledge(.init()), .drain(.init()), .shutdown(.init()), .forget(.init()),
        .logRequest(.init()), .logCredit(.init()), .logCancel(.init()), .revoked(.init()),
    ]

    private func open(_ side: SessionRules.Side, purpose: WirePurpose = .work) throws
        -> SessionRules
    {
        var rules = SessionRules(side)
        if side == .server {
            let hello = goodHello { $0.purpose = purpose }
            #expect(try rules.receive(hello) == .handle)
        }
        rules.open(acknowledged: 0)
        return rules
    }

    private func verdict(_ rules: SessionRules, _ kind: WireMessage.OneOf_Kind) throws
        -> SessionRules.Verdict
    {
        var rules = rules
        return try rules.receive(WireMessage(kind))
    }

    @Test func `nothing comes before Hello or Join`() throws {
        let rules = SessionRules(.server)
        for kind in Self.fromWorker + Self.fromCoordinator + [.ping(.init()), .renew(.init())] {
            #expect(throws: WireError.self) { try verdict(rules, kind) }
        }
        #expect(try verdict(rules, .hello(.init())) == .handle)
        #expect(try verdict(rules, .join(.init())) == .handle)
        var later = rules
        #expect(throws: WireError.self) { try later.receive(WireMessage()) }
    }

    @Test func `nothing comes between Hello and Welcome`() throws {
        var rules = SessionRules(.server)
        #expect(try rules.receive(goodHello()) == .handle)
        for kind in Self.fromWorker + [.hello(.init()), .join(.init()), .ping(.init())] {
            #expect(throws: WireError.self) { try verdict(rules, kind) }
        }
    }

    @Test func `each side hears only what the other may say`() throws {
        let server = try open(.server)
        let client = try open(.client)
        for kind in Self.fromWorker {
            #expect(try verdict(server, kind) == .deliver)
            #expect(throws: WireError.self) { try verdict(client, kind) }
        }
        for kind in Self.fromCoordinator {
            #expect(try verdict(client, kind) == .deliver)
            #expect(throws: WireError.self) { try verdict(server, kind) }
        }
        for rules in [server, client] {
            #expect(try verdict(rules, .blobRequest(.init())) == .handle)
            #expect(try verdict(rules, .goodbye(.init())) == .handle)
            for kind in [.hello(.init()), .welcome(.init()), .join(.init()), .joined(.init())]
                as [WireMessage.OneOf_Kind]
            {
                #expect(throws: WireError.self) { try verdict(rules, kind) }
            }
        }
        #expect(throws: WireError.self) { try verdict(server, .refused(.init())) }
        #expect(try verdict(client, .refused(.init())) == .handle)
    }

    @Test func `over a connection for blobs there is nothing else`() throws {
        let rules = try open(.server, purpose: .blobs)
        for kind in Self.fromWorker + [.renew(.init())] {
            #expect(throws: WireError.self) { try verdict(rules, kind) }
        }
        #expect(try verdict(rules, .blobRequest(.init())) == .handle)
    }

    @Test func `numbered messages come once and without a gap`() throws {
        var rules = SessionRules(.server)
        _ = try rules.receive(goodHello())
        rules.open(acknowledged: 4)
        #expect(try rules.receive(ended(4)) == .drop)
        #expect(try rules.receive(ended(5)) == .deliver)
        #expect(try rules.receive(ended(5)) == .drop)
        let back = WireMessage(.takenBack(.with { $0.sequence = 6 }))
        #expect(try rules.receive(back) == .deliver)
        #expect(throws: WireError.sequenceGap(expected: 7, found: 8)) {
            try rules.receive(ended(8))
        }
    }

    @Test func `an inventory comes once`() throws {
        var rules = try open(.server)
        #expect(try rules.receive(WireMessage(.inventory(.init()))) == .deliver)
        #expect(throws: WireError.self) { try rules.receive(WireMessage(.inventory(.init()))) }
    }

    @Test func `after the end everything is dropped`() throws {
        var rules = try open(.server)
        rules.end()
        for kind in Self.fromWorker { #expect(try verdict(rules, kind) == .drop) }
    }

    @Test(
        arguments: [
            (1...1, 1...1, 1), (1...2, 1...1, 1), (1...2, 2...3, 2), (1...2, 0...1, 1),
            (1...1, 0...0, nil), (1...1, 2...3, nil), (1...2, 3...4, nil), (1...2, 0...9, 2),
        ] as [(ClosedRange<UInt32>, ClosedRange<UInt32>, UInt32?)])
    func `the highest version that both speak is spoken`(
        ours: ClosedRange<UInt32>, theirs: ClosedRange<UInt32>, spoken: UInt32?
    ) {
        #expect(WireVersion.common(ours, theirs) == spoken)
    }
}

@Suite struct AdmissionTests {
    private static let start = NIODeadline.uptimeNanoseconds(0)

    @Test func `connections are limited in all and for each address`() {
        var limits = WireLimits()
        limits.connections = 3
        limits.connectionsPerAddress = 2
        var admission = Admission(limits: limits)
        #expect(admission.admit("a", now: Self.start) == true)
        #expect(admission.admit("a", now: Self.start) == true)
        #expect(admission.admit("a", now: Self.start) == false)
        #expect(admission.admit("b", now: Self.start) == true)
        #expect(admission.admit("c", now: Self.start) == false)
        admission.left("a")
        #expect(admission.admit("c", now: Self.start) == true)
    }

    @Test func `an address that fails too often is not listened to for a minute`() {
        var limits = WireLimits()
        limits.failuresPerMinute = 2
        var admission = Admission(limits: limits)
        admission.failed("a", now: Self.start)
        #expect(admission.admit("a", now: Self.start) == true)
        admission.failed("a", now: Self.start + .seconds(1))
        #expect(admission.admit("a", now: Self.start + .seconds(59)) == false)
        #expect(admission.admit("b", now: Self.start) == true)
        #expect(admission.admit("a", now: Self.start + .seconds(60)) == true)
    }

    @Test func `only so many addresses are remembered`() {
        var limits = WireLimits()
        limits.failuresPerMinute = 1
        limits.rememberedAddresses = 1
        var admission = Admission(limits: limits)
        admission.failed("a", now: Self.start)
        admission.failed("b", now: Self.start)
        #expect(admission.admit("a", now: Self.start) == false)
        #expect(admission.admit("b", now: Self.start) == true)
        admission.failed("c", now: Self.start + .minutes(1))
        #expect(admission.admit("c", now: Self.start + .minutes(1)) == false)
    }

    @Test func `a bucket refills evenly and holds a burst`() {
        var bucket = RateBucket(perSecond: 10, burst: 5, now: Self.start)
        #expect(bucket.take(5, now: Self.start) == true)
        #expect(bucket.take(1, now: Self.start) == false)
        #expect(bucket.take(1, now: Self.start + .milliseconds(100)) == true)
        #expect(bucket.take(5, now: Self.start + .seconds(60)) == true)
        #expect(bucket.take(1, now: Self.start + .seconds(60)) == false)
    }

    @Test func `the wait between tries grows to a limit and is never more`() {
        var backoff = WireBackoff()
        backoff.firstMilliseconds = 10
        backoff.longestMilliseconds = 100
        var generator = Seeded(1)
        var longest: [Int: Int64] = [:]
        for failures in [1, 2, 4, 5, 100] {
            for _ in 0..<500 {
                let wait = backoff.milliseconds(failures: failures, using: &generator)
                longest[failures] = max(longest[failures] ?? 0, wait)
            }
        }
        for (failures, most) in [1: 10, 2: 20, 4: 80, 5: 100, 100: 100] as [Int: Int64] {
            let found = longest[failures] ?? 0
            #expect(found <= most && found > most / 2)
        }
    }
}

/// SplitMix64, so that a failure can be had again.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
