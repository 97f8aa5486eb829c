import FanfoldAPI
import FanfoldCore
import FanfoldRuntime

extension PlacementAccount {
    /// What the coordinator knows of where a subtask is; `nil` if it can say nothing.
    init?(of subtask: SubtaskID, in loop: EngineLoop) {
        if let note = loop.placementNote(of: subtask) {
            self.init(
                choice: Choice(policy: note.decider, worker: UInt64(note.worker.index)),
                fallback: note.fallback.flatMap { fault in
                    note.plugin.map { Fallback(policy: $0, reason: fault.name) }
                },
                scores: note.values.map { ($0.name, $0.value) },
                shadow: note.shadow.map {
                    Choice(
                        policy: $0.policy, worker: UInt64($0.worker.index),
                        score: $0.score)
                })
            return
        }
        guard loop.subtask(subtask) != nil, loop.whyWaiting(subtask) != nil else { return nil }
        let rejected = loop.rejections(of: subtask).map { ($0.reason.rawValue, $0.workers) }
        guard !rejected.isEmpty else { return nil }
        self.init(rejected: rejected)
    }
}
