/// What a method costs over the tasks of a workflow.
struct SizingCost {
    /// Gigabyte hours (10^9 bytes) that were reserved and not used.
    var waste = 0.0
    /// Gigabyte hours that were used.
    var usage = 0.0
    var failures = 0.0
    var failedTasks = 0.0
    var tasks = 0.0

    /// Byte milliseconds of a gigabyte hour.
    private static let unit = 1e9 * 3.6e6
    /// Attempts after which a method is taken to have no answer.
    private static let maximumFailures = 40

    /// Counts a task: a share `timeToFailure` of each failed attempt's time, and what the last one
    /// reserved and did not use.
    mutating func count<Method: SizingMethod>(
        _ task: SizingTask, sizedBy method: Method, timeToFailure: Double
    ) {
        var request = method.request(for: task)
        var failed = 0
        while request < task.peak, failed < Self.maximumFailures {
            if request > 0 { waste += timeToFailure * request * task.runtime / Self.unit }
            request = method.next(after: request, for: task)
            failed += 1
        }
        waste += (request - task.peak) * task.runtime / Self.unit
        usage += task.peak * task.runtime / Self.unit
        failures += Double(failed)
        failedTasks += failed > 0 ? 1 : 0
        tasks += 1
    }

    /// Both together.
    static func + (one: SizingCost, other: SizingCost) -> SizingCost {
        SizingCost(
            waste: one.waste + other.waste, usage: one.usage + other.usage,
            failures: one.failures + other.failures,
            failedTasks: one.failedTasks + other.failedTasks, tasks: one.tasks + other.tasks)
    }

    /// One of `count` equal parts.
    func divided(by count: Int) -> SizingCost {
        let share = Double(count)
        return SizingCost(
            waste: waste / share, usage: usage / share, failures: failures / share,
            failedTasks: failedTasks / share, tasks: tasks / share)
    }
}

/// How a method meets the tasks of a trace.
enum SizingProtocol {
    /// When the memory of a task is chosen.
    enum Decision: String, CaseIterable {
        case submit, start

        func time(_ task: SizingTask) -> Double { self == .submit ? task.submit : task.start }
    }

    /// Completed tasks of a class without which the workflow's own request is used.
    private static let leastHistory = 3
    /// Instances that a class needs in the protocol of the paper.
    private static let leastInstances = 34

    /// In the order of time, with what had completed before.
    static func timeline<Method: SizingMethod>(
        _ trace: [SizingTask], decide: Decision, timeToFailure: Double,
        method: (_ begin: Int) -> Method
    ) -> [String: SizingCost] {
        var costs: [String: SizingCost] = [:]
        for (workflow, all) in grouped(trace, by: \.workflow) {
            let tasks = all.filter { $0.runtime > 0 }.sorted {
                (decide.time($0), $0.row) < (decide.time($1), $1.row)
            }
            costs[workflow] = timeline(
                tasks, decide: decide, timeToFailure: timeToFailure, method: method)
        }
        return costs
    }

    private static func timeline<Method: SizingMethod>(
        _ tasks: [SizingTask], decide: Decision, timeToFailure: Double,
        method: (_ begin: Int) -> Method
    ) -> SizingCost {
        var methods: [String: (method: Method, rows: Int)] = [:]
        var cost = SizingCost()
        // Decided on and not completed, the next to complete last.
        var running: [SizingTask] = []
        for task in tasks {
            while let done = running.last, done.complete <= decide.time(task) {
                methods[done.process, default: (method(leastHistory), 0)].method.observe(done)
                methods[done.process]?.rows += 1
                running.removeLast()
            }
            if let known = methods[task.process], known.rows >= leastHistory {
                cost.count(task, sizedBy: known.method, timeToFailure: timeToFailure)
            } else {
                cost.count(task, sizedBy: PresetSizing(), timeToFailure: timeToFailure)
            }
            let place =
                running.lastIndex { ($0.complete, $0.row) > (task.complete, task.row) } ?? -1
            running.insert(task, at: place + 1)
        }
        return cost
    }

    /// With a random 30 % of each class as history, the rest one by one.
    static func paper<Method: SizingMethod>(
        _ trace: [SizingTask], seed: UInt32, timeToFailure: Double,
        method: (_ begin: Int) -> Method
    ) -> [String: SizingCost] {
        var costs: [String: SizingCost] = [:]
        for (_, tasks) in grouped(trace, by: { [$0.workflow, $0.process] }) {
            guard tasks.count >= leastInstances, tasks.allSatisfy({ $0.runtime > 0 }) else {
                continue
            }
            var shuffle = NumPyShuffle(seed: seed)
            let order = shuffle.permutation(tasks.count)
            let tests = Int((0.7 * Double(tasks.count)).rounded(.up))
            var method = method(tasks.count - tests)
            for index in order[tests...] { method.observe(tasks[index]) }
            for index in order[..<tests] {
                costs[tasks[index].workflow, default: SizingCost()]
                    .count(tasks[index], sizedBy: method, timeToFailure: timeToFailure)
                method.observe(tasks[index])
            }
        }
        return costs
    }

    /// The groups in the order of their first members.
    private static func grouped<Key: Hashable>(
        _ tasks: [SizingTask], by key: (SizingTask) -> Key
    ) -> [(Key, [SizingTask])] {
        var order: [Key] = []
        var groups: [Key: [SizingTask]] = [:]
        for task in tasks {
            let key = key(task)
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(task)
        }
        return order.map { ($0, groups[$0] ?? []) }
    }
}
