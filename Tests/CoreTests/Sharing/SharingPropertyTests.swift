import Testing

@testable import FanfoldCore

/// Random histories: queues of random weights and quotas, workers that come and go, runs of random
/// needs and priorities, attempts that end in a random order.
@Suite struct SharingPropertyTests {
    @Test func `quotas are kept, nothing idles that somebody could use, and all is done at last`() {
        var borrowed = 0
        for seed in UInt64(1)...60 {
            var history = SharingHistory(seed: seed)
            history.play(events: 120)
            history.finish()
            #expect(history.problems == [], "seed \(seed)")
            borrowed += history.borrowed
        }
        #expect(borrowed > 200, "these histories say nothing about limits on what is borrowed")
    }

    @Test func `a coordinator that is replaced by its copy after each event goes on the same`() {
        for seed in UInt64(1)...10 {
            var original = SharingHistory(seed: seed)
            original.play(events: 60)
            var copied = SharingHistory(seed: seed)
            copied.world.copies = true
            copied.play(events: 60)
            #expect(original.world.core.encoded() == copied.world.core.encoded(), "seed \(seed)")
        }
    }

    /// The bound: by how much one slot changes the share of either queue for its weight.
    @Test func `queues that want all they can get differ by one request at most`() {
        for seed in UInt64(1)...15 {
            var random = SplitMix64(seed: seed)
            let weights = (0...(1 + random.upTo(3))).map { _ in 1 + Int(random.upTo(4)) }
            let world = SharingWorld(
                weights.enumerated().map { QueueSpec(name: "q\($0.0)", weight: $0.1) })
            world.checks = false
            var runs: [TaskID] = []
            let cores = (0...random.upTo(4)).map { _ in 1 + Int64(random.upTo(15)) }
            for count in cores { world.worker(cores: count) }
            for queue in weights.indices { runs.append(world.run(1000, queue: "q\(queue)")) }
            let slots = Int(cores.reduce(0, +))
            // Each slot ends some times, in a random order.
            for _ in 0..<(4 * slots) {
                let busy = world.running.indices.filter { !world.running[$0].isEmpty }
                guard !busy.isEmpty else { break }
                let worker = busy[Int(random.upTo(UInt64(busy.count - 1)))]
                world.end(worker, Int(random.upTo(UInt64(world.running[worker].count - 1))))
            }
            #expect(runs.reduce(0) { $0 + world.slots($1) } == slots)
            for (left, right) in zip(runs, weights).flatMap({ pair in
                zip(runs, weights).map { (pair, $0) }
            }) {
                let low = Double(world.slots(left.0)) / Double(left.1)
                let high = Double(world.slots(right.0)) / Double(right.1)
                let bound = max(1 / Double(left.1), 1 / Double(right.1))
                #expect(high - low <= bound + 1e-9, "seed \(seed)")
            }
        }
    }

    @Test func `each queue with something ready is served, whatever the others do`() {
        for seed in UInt64(1)...8 {
            var random = SplitMix64(seed: seed)
            let world = SharingWorld(
                (0..<5).map { QueueSpec(name: "q\($0)", weight: 1 + Int(random.upTo(30))) })
            world.checks = false
            world.worker(cores: 4)
            var runs: [TaskID] = []
            for queue in 0..<5 {
                runs.append(
                    world.run(
                        800, queue: "q\(queue)", priority: Int(random.upTo(60)) - 30,
                        cores: 1 + Int64(random.upTo(3))))
            }
            var last = [UInt64](repeating: 0, count: 5)
            for _ in 0..<400 {
                world.now += 5
                let place = Int(random.upTo(UInt64(max(1, world.running[0].count) - 1)))
                guard place < world.running[0].count else { continue }
                world.end(0, place)
                for run in runs.indices where world.slots(runs[run]) > 0 { last[run] = world.now }
            }
            for run in runs.indices {
                #expect(world.now - last[run] < 1500, "seed \(seed), queue \(run)")
            }
        }
    }
}

/// A random history and what must hold in it.
struct SharingHistory {
    let world: SharingWorld
    var random: SplitMix64
    var problems: [String] = []
    /// How often a queue that may borrow up to a limit was seen to.
    var borrowed = 0
    private let queues: [QueueSpec]
    private var runs: [TaskID] = []

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        var queues: [QueueSpec] = []
        for index in 0...random.upTo(3) {
            var spec = QueueSpec(name: "q\(index)", weight: 1 + Int(random.upTo(3)))
            if random.upTo(1) == 0 {
                spec.quota = Quota(
                    milliCores: 1000 * (1 + Int64(random.upTo(7))),
                    memoryBytes: random.upTo(1) == 0 ? Int64(4 + random.upTo(28)) << 30 : nil,
                    deviceMilli: random.upTo(2) == 0 ? 1000 : nil,
                    borrowing: Self.borrowing(&random))
            }
            queues.append(spec)
        }
        self.queues = queues
        world = SharingWorld(queues)
        for _ in 0...random.upTo(3) { addWorker() }
    }

    private static func borrowing(_ random: inout SplitMix64) -> Borrowing {
        switch random.upTo(2) {
        case 0: .nothing
        case 1: .anything
        default:
            .atMost(
                BorrowingLimit(
                    milliCores: random.upTo(2) == 0 ? nil : 500 * Int64(random.upTo(8)),
                    memoryBytes: random.upTo(1) == 0 ? nil : Int64(random.upTo(8)) << 30,
                    deviceMilli: random.upTo(1) == 0 ? nil : 1000 * Int64(random.upTo(1))))
        }
    }

    /// Whether a queue holds more than its quota and what it may borrow, added up here.
    private static func holdsMore(_ queue: QueueState) -> Bool {
        let quota = queue.spec.quota
        func isMore(_ use: Int64, _ own: Int64?, _ borrowed: Int64?) -> Bool {
            guard let own else { return false }
            switch quota.borrowing {
            case .nothing: return use > own
            case .anything: return false
            case .atMost: return borrowed.map { use > own + $0 } ?? false
            }
        }
        var limit = BorrowingLimit()
        if case .atMost(let given) = quota.borrowing { limit = given }
        return isMore(queue.use.milliCores, quota.milliCores, limit.milliCores)
            || isMore(queue.use.memoryBytes, quota.memoryBytes, limit.memoryBytes)
            || isMore(queue.use.deviceMilli, quota.deviceMilli, limit.deviceMilli)
    }

    private mutating func addWorker() {
        world.worker(
            cores: 1 + Int64(random.upTo(7)), gigabytes: 4 + Int64(random.upTo(28)),
            gpus: random.upTo(2) == 0 ? 2 : 0)
    }

    mutating func play(events: Int) {
        for _ in 0..<events {
            step()
            check()
        }
    }

    private mutating func step() {
        world.now += random.upTo(20)
        switch random.upTo(19) {
        case 0...3:
            let queue = random.upTo(UInt64(queues.count))
            runs.append(
                world.run(
                    1 + Int(random.upTo(12)),
                    queue: queue < queues.count ? queues[Int(queue)].name : nil,
                    priority: random.upTo(2) == 0 ? Int(random.upTo(40)) - 20 : 0,
                    cores: 1 + Int64(random.upTo(3)), gigabytes: Int64(random.upTo(6)),
                    gpus: random.upTo(4) == 0 ? 1 : 0,
                    maximum: random.upTo(5) == 0 ? 1 + Int(random.upTo(3)) : nil))
        case 4: addWorker()
        case 5:
            let alive = world.core.workerUsage()
            if alive.count > 1 {
                world.lose(alive[Int(random.upTo(UInt64(alive.count - 1)))].worker)
            }
        case 6:
            let name = queues[Int(random.upTo(UInt64(queues.count - 1)))].name
            world.on(.queuePaused(name, random.upTo(2) == 0))
        case 7 where !runs.isEmpty:
            let run = runs[Int(random.upTo(UInt64(runs.count - 1)))]
            world.on(.runPaused(RunID(UInt64(run.index) + 1), random.upTo(2) == 0))
        case 8: world.on(.timeElapsed)
        default: endSomething()
        }
    }

    @discardableResult
    private mutating func endSomething() -> Bool {
        let busy = world.running.indices.filter { !world.running[$0].isEmpty }
        guard !busy.isEmpty else { return false }
        let worker = busy[Int(random.upTo(UInt64(busy.count - 1)))]
        world.end(worker, Int(random.upTo(UInt64(world.running[worker].count - 1))))
        return true
    }

    /// What must hold whenever the coordinator has done all that it would.
    private mutating func check() {
        let core = world.core
        for queue in core.sharing.queues {
            if case .atMost = queue.spec.quota.borrowing, queue.isOverQuota() { borrowed += 1 }
            if Self.holdsMore(queue) {
                problems.append("queue \(queue.spec.name) holds more than it may")
            }
        }
        for shape in core.shapes.indices
        where core.shapes[shape].ready > core.slotsHeld(for: shape) && !core.isAtLimit(shape) {
            let request = core.classes[core.shapes[shape].resources].request
            for worker in core.workers.indices
            where core.workers[worker].takesWork && core.isOpen(worker, to: shape)
                && core.workers[worker].ledger.fits(request)
            {
                problems.append("worker \(worker) idles while shape \(shape) waits")
            }
        }
    }

    /// Nothing new comes, everything goes on and ends: nothing may be left but what can never run.
    mutating func finish() {
        world.checks = false
        for queue in queues { world.on(.queuePaused(queue.name, false)) }
        for run in runs { world.on(.runPaused(RunID(UInt64(run.index) + 1), false)) }
        world.worker(cores: 8, gigabytes: 64, gpus: 2)
        for _ in 0..<5000 {
            world.now += 5
            if !endSomething() {
                world.wait(700)
                if !endSomething() { break }
            }
        }
        for run in runs {
            let shape = Int(run.index)
            let quota = world.core.sharing.queues[world.core.queue(of: shape)].spec.quota
            guard let progress = world.core.progress(of: run), progress.phase != .completed,
                quota.exceeded(by: world.core.amount(of: shape)) == nil
            else { continue }
            problems.append("task \(run.index) should have completed: \(progress)")
        }
    }
}
