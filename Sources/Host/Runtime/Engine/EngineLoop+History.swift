import FanfoldCore
import FanfoldPrediction

extension EngineLoop {
    /// Tells the history what an attempt used.
    ///
    /// An attempt of which nothing was measured but its time says nothing about needs: no-ops and
    /// what runs inside a worker are left out, and cost nothing here.
    func remember(_ report: AttemptReport, of place: Int) {
        guard let history = options.history, let label = tasks[place].plan?.history else { return }
        let usage = report.usage
        guard usage.peakMemoryBytes > 0 || usage.cpuNanoseconds > 0, usage.ranNanoseconds > 0
        else { return }
        let outcome: HistoryEntry.Outcome
        switch report.outcome {
        case .succeeded: outcome = .succeeded
        case .failed(let failure):
            guard failure.kind != .cancelled else { return }
            outcome = failure.kind == .outOfMemory ? .outOfMemory : .failed
        }
        var numbers = label.keys.numbers
        numbers[Features.inputBytes] = Double(usage.bytesIn)
        let given = tasks[place].needs
        history.keep(
            HistoryEntry(
                run: "", endedMilliseconds: nil, outcome: outcome,
                given: Quantities(
                    cpu: Double(given.milliCores) / 1000, memory: Double(given.memoryBytes),
                    gpuMemory: Double(given.deviceMemoryBytes)),
                row: HistoryRow(
                    taskClass: label.taskClass,
                    features: Features(numbers: numbers, words: label.keys.words),
                    requested: label.defaults,
                    used: Quantities(
                        runtime: Double(usage.ranNanoseconds) / 1e9,
                        cpu: Double(usage.cpuNanoseconds) / Double(usage.ranNanoseconds),
                        memory: Double(usage.peakMemoryBytes),
                        gpuMemory: Double(usage.peakDeviceMemoryBytes)))),
            of: runs[tasks[place].run].id)
    }
}
