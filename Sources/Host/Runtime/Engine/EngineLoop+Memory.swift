import FanfoldCore
import FanfoldPrediction

extension EngineLoop {
    /// Declares larger shapes for subtasks that ran out of memory, before the coordinator hears of
    /// their ends: it then tries them again with more.
    ///
    /// Only for tasks that leave their memory to predictions, never above the user's cap, the
    /// largest worker or ``PredictionLimits/rungs``.
    mutating func makeRoom(for reports: [AttemptReport], at now: Tick) {
        for report in reports {
            guard case .failed(let failure) = report.outcome, failure.kind == .outOfMemory,
                let label = tasks[Int(report.attempt.task.index)].plan?.history,
                label.predictsMemory,
                let last = coordinator.lastRung(of: report.attempt.subtask),
                last.rung < PredictionLimits.rungs
            else { continue }
            let figures = tasks[Int(report.attempt.task.index)].figures
            let wanted = Escalation.next(
                after: Double(last.needs.memoryBytes), largest: Double(figures.peakMemoryBytes))
            let largest = workers.reduce(Int64(0)) { max($0, $1.memoryBytes) }
            let ceiling = min(label.caps[.memory] ?? .infinity, Double(largest))
            let memory = Int64(min(wanted, ceiling))
            guard memory > last.needs.memoryBytes else { continue }
            var needs = last.needs
            needs.memoryBytes = memory
            let larger = ShapeID(UInt32(shapeCount))
            handle(
                .shapeDeclared(larger, ShapeSpec(task: report.attempt.task, needs: needs)), at: now)
            handle(.shapeEscalated(last.shape, to: larger), at: now)
        }
    }
}
