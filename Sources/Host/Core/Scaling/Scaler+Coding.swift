extension Scaler {
    /// The version of what ``encoded()`` writes.
    private static let codedVersion: UInt8 = 9
    /// The version without loads: those with loads are odd, and each is one more than its own without.
    private static let versionWithoutLoads: UInt8 = 8
    /// The first with what is expected.
    private static let firstWithExpectations: UInt8 = 8
    /// The first with runs that have a deadline.
    private static let firstWithRuns: UInt8 = 6
    /// The first with boots that were learned.
    private static let firstWithBoots: UInt8 = 4
    /// The first that is read.
    private static let firstVersion: UInt8 = 2

    /// What outlives the process; settings are not part of it.
    ///
    /// Cooldowns, windows, loads, what was learnt of offerings, members, launches without an answer,
    /// and what has been spent.
    package func encoded() -> [UInt8] { encoded(withLoads: true) }

    private func encoded(withLoads: Bool) -> [UInt8] {
        var writer = ByteWriter()
        writer.byte(withLoads ? Self.codedVersion : Self.versionWithoutLoads)
        writer.put(clock)
        writer.double(spent)
        writer.varint(nextLaunch)
        writer.natural(pools.count)
        for (pool, state) in pools.enumerated() { encode(pool, state, into: &writer) }
        writer.natural(members.count)
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            writer.string(name)
            encode(member, into: &writer)
        }
        writer.natural(launches.count)
        for (id, launch) in launches.sorted(by: { $0.key < $1.key }) {
            writer.varint(id)
            writer.string(settings.pools[launch.pool].name)
            writer.string(offering(launch.pool, launch.offering).name)
            writer.natural(launch.count)
            writer.put(launch.ordered)
        }
        encodeMissing(into: &writer)
        encodeExpectations(into: &writer)
        guard withLoads else { return writer.bytes }
        for state in pools {
            writer.natural(state.load.forecaster.ahead)
            state.load.encode(into: &writer)
        }
        encodeChoosers(into: &writer)
        return writer.bytes
    }

    private func encode(_ pool: Int, _ state: PoolState, into writer: inout ByteWriter) {
        writer.string(settings.pools[pool].name)
        writer.put(state.upUntil)
        writer.put(state.downUntil)
        writer.natural(state.samples.count)
        for sample in state.samples {
            writer.put(sample.at)
            writer.double(sample.utilisation)
        }
        writer.natural(state.records.count)
        for (place, record) in state.records.enumerated() {
            writer.string(offering(pool, place).name)
            writer.double(record.successes)
            writer.double(record.failures)
            writer.double(record.interruptions)
            writer.double(record.hours)
            writer.put(record.at)
            writer.bool(record.boot != nil)
            writer.double(record.boot?.mean ?? 0)
            writer.double(record.boot?.deviation ?? 0)
        }
    }

    private func encode(_ member: Member, into writer: inout ByteWriter) {
        writer.string(settings.pools[member.pool].name)
        writer.string(offering(member.pool, member.offering).name)
        writer.varint(member.launch)
        writer.put(member.since)
        writer.byte(member.phase.rawValue)
        writer.bool(member.isSeen)
        writer.bool(member.isInterrupted)
        writer.put(member.ordered)
        writer.put(member.lastReady)
        writer.bool(member.isBooting)
    }

    /// A scaler that goes on where another one stopped, perhaps with other settings.
    ///
    /// What belongs to a pool or an offering that is gone is forgotten; its workers are then
    /// found as orphans.
    package init(settings: ScalingSettings, from bytes: [UInt8]) throws(CodingError) {
        self.init(settings: settings)
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        let hasBoots = version >= Self.firstWithBoots
        let hasRuns = version >= Self.firstWithRuns
        guard (Self.firstVersion...Self.codedVersion).contains(version) else {
            throw CodingError(.unknownVersion(version), at: 0)
        }
        clock = try reader.get()
        spent = try reader.double()
        nextLaunch = try reader.varint()
        var names: [String] = []
        for _ in 0..<(try reader.count()) { names.append(try readPool(&reader, hasBoots)) }
        for _ in 0..<(try reader.count()) { try readMember(&reader, hasBoots) }
        for _ in 0..<(try reader.count()) { try readLaunch(&reader) }
        if hasRuns { try readMissing(&reader, names) }
        if version >= Self.firstWithExpectations { try readExpectations(&reader, names) }
        for name in names where version % 2 == 1 {
            let ahead = hasBoots ? try reader.natural() : 2
            guard (1...(1 + Limits.forecastBootSteps)).contains(ahead) else {
                throw CodingError(.contradiction("a forecast is of some steps to come"), at: 0)
            }
            let load = try PoolLoad(&reader, ahead: ahead)
            guard let pool = settings.pools.firstIndex(where: { $0.name == name }) else { continue }
            pools[pool].load = load
        }
        if hasRuns, version % 2 == 1 { try readChoosers(&reader) }
        try reader.finish()
        guard spent.isFinite, spent >= 0 else {
            throw CodingError(.contradiction("what was spent is not negative"), at: 0)
        }
    }

    /// The scaler that goes on with other settings; what ``init(settings:from:)`` makes of it, without
    /// the work of making the forecasters again.
    package init(settings: ScalingSettings, after other: Scaler) throws(CodingError) {
        try self.init(settings: settings, from: other.encoded(withLoads: false))
        for (place, pool) in other.settings.pools.enumerated() {
            guard let same = settings.pools.firstIndex(where: { $0.name == pool.name }) else {
                continue
            }
            pools[same].load = other.pools[place].load
        }
        choosers = other.choosers
        outlooks = other.outlooks
    }

    func place(_ pool: String, _ offering: String) -> (pool: Int, offering: Int)? {
        guard let pool = settings.pools.firstIndex(where: { $0.name == pool }),
            let offering = settings.pools[pool].offerings.firstIndex(where: {
                $0.name == offering
            })
        else { return nil }
        return (pool, offering)
    }

    private mutating func readPool(
        _ reader: inout ByteReader, _ hasBoots: Bool
    ) throws(CodingError) -> String {
        let name = try reader.string()
        let pool = settings.pools.firstIndex { $0.name == name }
        let upUntil: Tick = try reader.get()
        let downUntil: Tick = try reader.get()
        var samples: [Sample] = []
        for _ in 0..<(try reader.count()) {
            samples.append(Sample(at: try reader.get(), utilisation: try reader.double()))
        }
        if let pool {
            pools[pool].upUntil = upUntil
            pools[pool].downUntil = downUntil
            pools[pool].samples = samples
        }
        for _ in 0..<(try reader.count()) {
            let offering = try reader.string()
            let record = OfferingRecord(
                successes: try reader.double(), failures: try reader.double(),
                interruptions: try reader.double(), hours: try reader.double(),
                at: try reader.get(), boot: hasBoots ? try Self.readBoot(&reader) : nil)
            if let place = place(name, offering) {
                pools[place.pool].records[place.offering] = record
            }
        }
        return name
    }

    private static func readBoot(_ reader: inout ByteReader) throws(CodingError) -> BootTime? {
        let isKnown = try reader.bool()
        let boot = BootTime(mean: try reader.double(), deviation: try reader.double())
        guard (0...1e18).contains(boot.mean), (0...1e18).contains(boot.deviation) else {
            throw CodingError(.contradiction("a boot takes some time"), at: 0)
        }
        return isKnown ? boot : nil
    }

    private mutating func readMember(
        _ reader: inout ByteReader, _ hasBoots: Bool
    ) throws(CodingError) {
        let name = try reader.string()
        let place = place(try reader.string(), try reader.string())
        var member = Member(
            pool: place?.pool ?? 0, offering: place?.offering ?? 0, launch: try reader.varint(),
            since: try reader.get())
        member.phase = try reader.enumeration()
        member.isSeen = try reader.bool()
        member.isInterrupted = try reader.bool()
        member.ordered = try reader.get()
        member.lastReady = try reader.get()
        member.isBooting = hasBoots ? try reader.bool() : false
        guard max(member.since, member.ordered, member.lastReady) <= clock else {
            throw CodingError(.contradiction("a worker is known since before now"), at: 0)
        }
        if place != nil { members[name] = member }
    }

    private mutating func readLaunch(_ reader: inout ByteReader) throws(CodingError) {
        let id = try reader.varint()
        let place = place(try reader.string(), try reader.string())
        let count = try reader.natural()
        let ordered: Tick = try reader.get()
        guard id < nextLaunch, ordered <= clock else {
            throw CodingError(.contradiction("a launch has a number that was given"), at: 0)
        }
        guard let place else { return }
        launches[id] = Launch(
            pool: place.pool, offering: place.offering, count: count, ordered: ordered)
    }
}
