import FanfoldCore

extension EngineLoop {
    /// Declares a shape for each further alternative (`any_of`) of what a shape needs.
    mutating func declareAlternatives(
        of shape: ShapeID, needs: NeedsDeclaration?, task: TaskID, at now: Tick
    ) {
        for other in needs?.alternatives ?? [] {
            let alternative = ShapeID(UInt32(shapeCount))
            handle(
                .shapeDeclared(
                    alternative, ShapeSpec(task: task, needs: ResourceRequest(other))),
                at: now)
            handle(.shapeAlternative(shape, or: alternative), at: now)
        }
    }

    /// A shape that came from an alternative or from an escalation is none that a strategy will
    /// declare again when it is told everything again.
    mutating func passOver(_ event: Event) {
        let (shape, made): (ShapeID, ShapeID)
        switch event {
        case .shapeEscalated(let from, let larger): (shape, made) = (from, larger)
        case .shapeAlternative(let home, let other): (shape, made) = (home, other)
        default: return
        }
        guard let task = coordinator.task(of: shape) else { return }
        tasks[Int(task.index)].knownShapes.removeAll { $0 == made }
    }
}
