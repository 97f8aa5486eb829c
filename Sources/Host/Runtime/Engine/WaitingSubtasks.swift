import FanfoldCore

/// Subtasks that wait for a worker there is none of: what `fanfold bench memory` measures.
///
/// Made of the same parts as a run: the coordinator's records, the loop's payloads, the lane's ids.
package struct WaitingSubtasks {
    private var coordinator = Coordinator()
    private var runtime: ContiguousArray<SubtaskParts> = []
    private var specOf: ContiguousArray<UInt32> = []
    private var keys = SubtaskKeys()
    private var keyOfIndex: [UInt64] = []

    /// How many wait.
    package var count: Int { coordinator.progress().first?.ready ?? 0 }

    /// Makes `count` subtasks of one shape, each a slice of an input.
    package init(count: Int) {
        let task = TaskID(0)
        _ = coordinator.handle(
            .runSubmitted(
                FanfoldCore.RunSpec(
                    id: RunID(1), seed: 0, tasks: [TaskSpec(id: task, name: "waiting")])),
            at: .zero)
        _ = coordinator.handle(.shapeDeclared(ShapeID(0), ShapeSpec(task: task)), at: .zero)
        _ = coordinator.handle(.strategyBegan(task), at: .zero)
        for index in 0..<count {
            runtime.append(.items(input: 0, from: index, count: 1))
            specOf.append(0)
            _ = keys.insert(UInt64(index))
            keyOfIndex.append(UInt64(index))
        }
        let added = [FanfoldCore.SubtaskSpec](repeating: .init(shape: ShapeID(0)), count: count)
        _ = coordinator.handle(.strategySplit(task, added: added, state: .end), at: .zero)
    }
}
