extension Coordinator {
    /// Subtasks of a shape that run out of memory go on as another one.
    ///
    /// Takes the first that is said; a shape leads to one that was declared after it, for the same
    /// task, so no way is without an end.
    mutating func escalate(_ shape: ShapeID, to larger: ShapeID) {
        let (from, to) = (Int(shape.index), Int(larger.index))
        guard shapes.indices.contains(to), from < to, shapes[from].task == shapes[to].task,
            shapes[from].larger == noIndex
        else { return }
        shapes[from].larger = larger.index
        shapes[to].rung = shapes[from].rung + 1
    }

    /// Tries a subtask that ran out of memory again with more, if its shape leads to one.
    ///
    /// It is not charged: no try with that much has been made.  The subtask counts as waiting.
    ///
    /// - Returns: whether it is tried again.
    mutating func tryLarger(_ task: Int, _ index: UInt32) -> Bool {
        let larger = shapes[Int(tasks[task].subtasks[Int(index)].shape)].larger
        guard larger != noIndex, tasks[task].gangOf[index] == nil else { return false }
        tasks[task].subtasks[Int(index)].shape = larger
        makeReady(task, index, first: true)
        return true
    }

    /// The shape that a subtask has now, what it needs, and how often it was made larger; `nil` if
    /// there is no such subtask, or its shape leads to another already.
    package func lastRung(
        of subtask: SubtaskID
    ) -> (shape: ShapeID, needs: ResourceRequest, rung: Int)? {
        guard let task = known(subtask.task), subtask.index < tasks[task].subtasks.count else {
            return nil
        }
        let shape = tasks[task].subtasks[Int(subtask.index)].shape
        let state = shapes[Int(shape)]
        guard state.larger == noIndex else { return nil }
        return (ShapeID(shape), state.spec.needs ?? tasks[task].spec.needs, state.rung)
    }

    /// The task whose subtasks have a shape.
    package func task(of shape: ShapeID) -> TaskID? {
        shapes.indices.contains(Int(shape.index)) ? shapes[Int(shape.index)].spec.task : nil
    }
}

// MARK: In a snapshot

extension Coordinator {
    /// Writes the table, if there is anything in it.
    func encodeEscalations(into writer: inout ByteWriter) {
        let leading = shapes.indices.filter { shapes[$0].larger != noIndex }
        guard !leading.isEmpty else { return }
        writer.byte(CoordinatorSection.escalations.rawValue)
        writer.natural(leading.count)
        for shape in leading {
            writer.natural(shape)
            writer.natural(Int(shapes[shape].larger))
        }
    }

    /// Reads what ``encodeEscalations(into:)`` wrote after its number.
    mutating func readEscalations(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let place = reader.offset
            let from = try reader.natural()
            let to = try reader.natural()
            guard shapes.indices.contains(to), from < to, shapes[from].task == shapes[to].task
            else { throw CodingError(.badNumber, at: place) }
            escalate(ShapeID(UInt32(from)), to: ShapeID(UInt32(to)))
        }
    }

    /// What is wrong with the ways from shape to shape.
    func escalationViolations() -> [String] {
        shapes.enumerated().compactMap { index, shape in
            guard shape.larger != noIndex else { return nil }
            let to = Int(shape.larger)
            guard shapes.indices.contains(to), to > index, shapes[to].task == shape.task,
                shapes[to].rung == shape.rung + 1
            else { return "shape \(index) leads to \(to), which is no larger shape of its task" }
            return nil
        }
    }
}
