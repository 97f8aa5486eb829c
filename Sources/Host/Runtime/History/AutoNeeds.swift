import FanfoldPrediction

/// `needs: auto`: what is not stated is predicted.
package struct AutoNeeds: Hashable, Sendable {
    /// What the task's history is filed under; the pipeline's and the task's name unless said.
    package var taskClass: String?
    /// What kind of work it is: where the first runs begin.
    package var kind: TaskKind?
    /// What no prediction goes above.
    package var caps = Quantities()
    /// What the user says of the task, beside its input.
    package var keys = Features()
    /// What stands beside `auto` and is not predicted.
    package var stated: Set<Quantity> = []
    /// What it is given before there is a history; known once the needs are filled in.
    package var defaults = Quantities()

    /// Nothing is said but `auto`.
    package init() {}
}

/// What the history of a task is filed under.
package struct HistoryLabel: Hashable, Sendable {
    /// Tasks of one class do the same kind of work.
    package var taskClass: String
    /// What the user says of the task.
    package var keys: Features
    /// What it would be given without history.
    package var defaults: Quantities
    /// What no prediction goes above.
    package var caps: Quantities
    /// Whether its memory is predicted, and made larger when it does not suffice.
    package var predictsMemory: Bool

    /// The label of a task of a pipeline.
    package init(_ task: TaskDeclaration, in pipeline: Pipeline) {
        let auto = task.needs.auto
        taskClass = auto?.taskClass ?? "\(pipeline.name)/\(task.name)"
        keys = auto?.keys ?? Features()
        defaults = auto?.defaults ?? Quantities(task.needs)
        caps = auto?.caps ?? Quantities()
        predictsMemory = auto.map { !$0.stated.contains(.memory) } ?? false
    }
}

extension Quantities {
    /// Needs in the predictor's units.
    package init(_ needs: NeedsDeclaration) {
        self.init(
            cpu: Double(needs.cpuMillis) / 1000, memory: Double(needs.memoryBytes),
            gpuMemory: Double(needs.gpuMemoryBytes))
    }
}

extension Pipeline {
    /// Whether any task leaves its needs to predictions.
    package var hasAutoNeeds: Bool { tasks.contains { $0.needs.auto != nil } }

    /// The classes whose history decides needs.
    package var autoClasses: Set<String> {
        Set(
            tasks.filter { $0.needs.auto != nil }.map { HistoryLabel($0, in: self).taskClass })
    }

    /// Fills in the needs that are left to predictions.
    package mutating func fillNeeds(from predictor: Predictor) {
        for index in tasks.indices {
            guard let auto = tasks[index].needs.auto else { continue }
            let label = HistoryLabel(tasks[index], in: self)
            tasks[index].needs.fill(auto, label, from: predictor)
        }
    }
}

extension NeedsDeclaration {
    /// Memory is given in steps of this many bytes, cores in steps of a quarter.
    private static let memoryStep: Int64 = 1 << 20
    private static let coreStep: Int64 = 250

    mutating func fill(_ auto: AutoNeeds, _ label: HistoryLabel, from predictor: Predictor) {
        let defaults = defaults(auto)
        self.auto?.defaults = defaults
        func predicted(_ quantity: Quantity) -> Double? {
            guard !auto.stated.contains(quantity) else { return nil }
            return predictor.predict(
                quantity, of: label.taskClass, label.keys, defaults: defaults, caps: auto.caps)?
                .value
        }
        if let memory = predicted(.memory) {
            memoryBytes = Self.stepped(memory, Self.memoryStep, cap: auto.caps[.memory])
        }
        if let cores = predicted(.cpu) {
            let cap = auto.caps[.cpu].map { $0 * 1000 }
            cpuMillis = Self.stepped(cores * 1000, Self.coreStep, cap: cap)
        }
        if gpuMillis > 0, let memory = predicted(.gpuMemory) {
            gpuMemoryBytes = Self.stepped(memory, Self.memoryStep, cap: auto.caps[.gpuMemory])
        }
    }

    /// What stands under `defaults:` in the document, or the numbers for the kind of work.
    private func defaults(_ auto: AutoNeeds) -> Quantities {
        let batch = auto.keys.numbers["batch"].map { Int($0.rounded()) } ?? 32
        let cold = (auto.kind ?? .other).defaults(batch: batch)
            .quantities(wantsGPU: gpuMillis > 0)
        guard auto.kind == nil else { return cold }
        let standard = NeedsDeclaration.standard
        var defaults = cold
        if cpuMillis != standard.cpuMillis { defaults[.cpu] = Double(cpuMillis) / 1000 }
        if memoryBytes != standard.memoryBytes { defaults[.memory] = Double(memoryBytes) }
        if gpuMemoryBytes > 0 { defaults[.gpuMemory] = Double(gpuMemoryBytes) }
        return defaults
    }

    /// What to ask for to have this much, in the steps that predictions are given in.
    package static func asked(cores: Double, memory: Double) -> NeedsDeclaration {
        NeedsDeclaration(
            cpuMillis: stepped(cores * 1000, coreStep, cap: nil),
            memoryBytes: stepped(memory, memoryStep, cap: nil))
    }

    /// The next step, at most the cap.
    private static func stepped(_ value: Double, _ step: Int64, cap: Double?) -> Int64 {
        let limited = min(value, Double(Int64.max / 4))
        let steps = Int64((limited / Double(step)).rounded(.up))
        let rounded = max(1, steps) * step
        return cap.map { min(rounded, max(1, Int64($0))) } ?? rounded
    }
}
