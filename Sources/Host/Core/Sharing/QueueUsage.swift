/// The numbers of a queue.
package struct QueueUsage: Hashable, Sendable {
    /// The queue.
    package var spec: QueueSpec
    /// Whether the configuration names it.
    package var isConfigured: Bool
    /// Whether nothing more of it is started.
    package var isPaused: Bool
    /// What its runs hold.
    package var use: ResourceAmount
    /// That, as a dominant share: 1 is all that active workers have.
    package var dominantShare: Double
    /// Runs that have not ended.
    package var runs = 0
    /// Those of them that are paused by themselves.
    package var pausedRuns = 0
    /// Slots that they hold.
    package var slots = 0
    /// Subtasks that could be placed.
    package var waiting = 0
    /// Since when the shape that waits longest has got no slot.
    package var waitingSince: Tick?

    /// The share that is compared between queues: over the weight.
    package var share: Double { dominantShare / Double(spec.weight) }

    /// What of it is more than the quota.
    package var borrowed: ResourceAmount {
        var more = ResourceAmount()
        func beyond(_ use: Int64, _ limit: Int64?) -> Int64 { limit.map { max(0, use - $0) } ?? 0 }
        more.milliCores = beyond(use.milliCores, spec.quota.milliCores)
        more.memoryBytes = beyond(use.memoryBytes, spec.quota.memoryBytes)
        more.deviceMilli = beyond(use.deviceMilli, spec.quota.deviceMilli)
        return more
    }
}

extension Coordinator {
    /// The numbers of all queues, in the order in which they were configured.
    ///
    /// - Complexity: O(runs + shapes).
    package func queueUsage() -> [QueueUsage] {
        var usage = sharing.queues.map {
            QueueUsage(
                spec: $0.spec, isConfigured: $0.isConfigured, isPaused: $0.isPaused, use: $0.use,
                dominantShare: $0.use.dominantShare(of: sharing.total))
        }
        for run in runs where !run.hasEnded {
            usage[run.queue].runs += 1
            if run.isPaused { usage[run.queue].pausedRuns += 1 }
        }
        for shape in shapes.indices where shapes[shape].ready + shapes[shape].slots > 0 {
            let queue = queue(of: shape)
            usage[queue].waiting += shapes[shape].ready
            usage[queue].slots += shapes[shape].slots
            guard let since = shapes[shape].waitingSince, shapes[shape].ready > 0 else { continue }
            usage[queue].waitingSince = min(usage[queue].waitingSince ?? since, since)
        }
        return usage
    }

    /// The names of the queues that a run may name.
    package var queueNames: [String] {
        sharing.queues.filter(\.isConfigured).map(\.spec.name)
    }

    /// The queue and the priority of a run, and whether it is paused; `nil` if there is none.
    package func sharing(of id: RunID) -> (queue: String, priority: Int, isPaused: Bool)? {
        guard let run = runIndices[id] else { return nil }
        return (
            sharing.queues[runs[run].queue].spec.name, runs[run].priority, runs[run].isPaused
        )
    }
}
