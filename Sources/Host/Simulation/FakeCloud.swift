import FanfoldCore

/// A cloud in memory: machines that take time to boot, that run out, that cost something else each
/// hour, and that are taken back.
///
/// A value: the same calls at the same moments give the same answers.  Nothing in it is real, and
/// everything that it says carries the word `fake`.  Units: nanoseconds of any clock that does not go
/// back; prices are millionths of a unit for an hour.
package struct FakeCloud: Hashable, Sendable {
    /// Something for rent.
    package struct Kind: Hashable, Sendable {
        /// Its name: unique.
        package var name: String
        /// Thousandths of cores.
        package var milliCores: Int64
        /// Bytes of memory.
        package var memoryBytes: Int64
        /// GPUs.
        package var gpus = 0
        /// Memory of each GPU in bytes; `nil` if nobody says.
        package var gpuMemoryBytes: Int64?
        /// Whether it may be taken back.
        package var isSpot = false
        /// Machines that there may be of it at a time.
        package var quota = Int.max
        /// From the launch until it runs, in nanoseconds.
        package var bootNanoseconds: UInt64 = 30_000_000_000
        /// How often one is taken back, in times an hour.
        package var interruptionsPerHour = 0.0
        /// What it costs from a moment on, the earliest first; the first one also before it.
        package var prices: [Price]
        /// Times at which there is none, as beginnings and ends.
        package var outages: [Range<UInt64>] = []

        /// Something of a price that does not change.
        package init(
            name: String, milliCores: Int64, memoryBytes: Int64, microsPerHour: Int64
        ) {
            self.name = name
            self.milliCores = milliCores
            self.memoryBytes = memoryBytes
            prices = [Price(from: 0, microsPerHour: microsPerHour)]
        }

        /// The price at a moment.
        package func microsPerHour(at moment: UInt64) -> Int64 {
            (prices.last { $0.from <= moment } ?? prices.first)?.microsPerHour ?? 0
        }
    }

    /// A step of a price curve.
    package struct Price: Hashable, Sendable {
        /// From when it counts, in nanoseconds since the cloud's beginning.
        package var from: UInt64
        /// The price.
        package var microsPerHour: Int64

        /// A step.
        package init(from: UInt64, microsPerHour: Int64) {
            self.from = from
            self.microsPerHour = microsPerHour
        }
    }

    /// A machine that was rented.
    package struct Machine: Hashable, Sendable {
        /// Its name: `fake-…`.
        package var id: String
        /// The launch that made it.
        package var token: String
        /// Whose it is.
        package var owner: String
        /// What it is.
        package var kind: String
        /// When it was made.
        package var made: UInt64
        /// When it runs.
        package var boots: UInt64
        /// When it is taken back; ``FakeCloud/never`` for a machine that is not.
        package var takenBack: UInt64
        /// When it ended; ``FakeCloud/never`` while it has not.
        package var ended: UInt64

        /// A machine, as a file may say it.
        package init(
            id: String, token: String, owner: String, kind: String, made: UInt64, boots: UInt64,
            takenBack: UInt64, ended: UInt64
        ) {
            self.id = id
            self.token = token
            self.owner = owner
            self.kind = kind
            self.made = made
            self.boots = boots
            self.takenBack = takenBack
            self.ended = ended
        }

        /// How it is.
        package enum State: String, Sendable { case starting, running, stopping, gone }

        /// How it is at a moment; one that is to be taken back stops for the time of the notice.
        package func state(at moment: UInt64, notice: UInt64) -> State {
            if moment >= min(ended, takenBack) { return .gone }
            if takenBack != FakeCloud.never, moment &+ notice >= takenBack { return .stopping }
            return moment < boots ? .starting : .running
        }
    }

    /// Why nothing was rented.
    package enum Refusal: Error, Hashable, Sendable {
        /// No such kind.
        case unknown(String)
        /// Fewer than asked for at the least: so many there were.
        case soldOut(Int)
    }

    /// The moment that does not come.
    package static let never = UInt64.max
    /// How long a machine that has ended is remembered, in nanoseconds.
    package static let memoryNanoseconds: UInt64 = 86_400_000_000_000

    /// What is for rent.
    package var kinds: [Kind]
    /// Between the notice and the end of a machine that is taken back, in nanoseconds.
    package var noticeNanoseconds: UInt64 = 120_000_000_000
    /// Makes the same fates.
    package var seed: UInt64
    /// All machines that are remembered, by their names.
    package var machines: [String: Machine] = [:]

    /// A cloud without machines.
    package init(kinds: [Kind], seed: UInt64 = 1) {
        self.kinds = kinds
        self.seed = seed
    }

    /// Machines of a kind that are there.
    package func count(of kind: String, at moment: UInt64) -> Int {
        machines.values.count {
            $0.kind == kind && $0.state(at: moment, notice: noticeNanoseconds) != .gone
        }
    }

    /// How many more of a kind there are.
    package func room(of kind: Kind, at moment: UInt64) -> Int {
        if kind.outages.contains(where: { $0.contains(moment) }) { return 0 }
        return max(0, kind.quota - count(of: kind.name, at: moment))
    }

    /// Rents machines of the first kind that has enough; the same token gives the same ones.
    package mutating func launch(
        _ names: [String], least: Int, most: Int, token: String, owner: String,
        at moment: UInt64
    ) throws(Refusal) -> [Machine] {
        forget(at: moment)
        let known = machines.values.filter { $0.token == token }.sorted { $0.id < $1.id }
        guard known.isEmpty else {
            return known.filter { $0.state(at: moment, notice: noticeNanoseconds) != .gone }
        }
        var found = 0
        for name in names {
            guard let kind = kinds.first(where: { $0.name == name }) else {
                throw .unknown(name)
            }
            let room = room(of: kind, at: moment)
            found = max(found, room)
            guard room >= max(1, least) else { continue }
            return (0..<min(room, most)).map { make(kind, $0, token, owner, moment) }
        }
        throw .soldOut(found)
    }

    private mutating func make(
        _ kind: Kind, _ number: Int, _ token: String, _ owner: String, _ moment: UInt64
    ) -> Machine {
        let mark = Self.mark(of: token)
        var random = SplitMix64(seed: seed ^ mark &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
        var takenBack = Self.never
        if kind.isSpot, kind.interruptionsPerHour > 0 {
            let unit = Double(random.next() >> 11) / Double(UInt64(1) << 53)
            let hours = -Logarithm.natural(1 - unit) / kind.interruptionsPerHour
            // Nobody is told of the end of a machine before it has begun.
            takenBack = moment &+ noticeNanoseconds &+ UInt64(min(hours * 3.6e12, 9e18))
        }
        // What has room for nobody has none for those who are there.
        if kind.isSpot, let next = kind.outages.first(where: { $0.lowerBound > moment }) {
            takenBack = min(takenBack, next.lowerBound)
        }
        let digits = String(mark, radix: 16)
        let machine = Machine(
            id: "fake-" + String(repeating: "0", count: 16 - digits.count) + digits
                + "-\(number)",
            token: token, owner: owner, kind: kind.name, made: moment,
            boots: moment &+ kind.bootNanoseconds, takenBack: takenBack, ended: Self.never)
        machines[machine.id] = machine
        return machine
    }

    /// Ends machines; one that is gone, or never was, is ended.
    package mutating func terminate(_ ids: [String], at moment: UInt64) {
        for id in ids {
            guard let machine = machines[id] else { continue }
            machines[id]?.ended = min(machine.ended, moment)
        }
    }

    private mutating func forget(at moment: UInt64) {
        machines = machines.filter {
            let end = min($0.value.ended, $0.value.takenBack)
            return end == Self.never || end &+ Self.memoryNanoseconds > moment
        }
    }

    /// A number that follows from a token.
    ///
    /// Source: FNV-1a.
    private static func mark(of token: String) -> UInt64 {
        token.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

/// Logarithms that are the same on every machine.
enum Logarithm {
    private static let ln2 = 0.6931471805599453

    /// The natural logarithm of a number above 0; right to fourteen digits.
    ///
    /// Source: ln m = 2 artanh((m - 1) / (m + 1)) for the significand, which is below 2.
    static func natural(_ x: Double) -> Double {
        precondition(x > 0, "a logarithm is of a number above 0")
        let m = x.significand
        let s = (m - 1) / (m + 1)
        var power = s
        var sum = 0.0
        var n = 1.0
        while n < 30 {
            sum += power / n
            power *= s * s
            n += 2
        }
        return 2 * sum + Double(x.exponent) * ln2
    }
}
