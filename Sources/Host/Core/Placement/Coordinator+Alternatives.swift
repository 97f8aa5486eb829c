// Needs with alternatives (`any_of`): a shape for each, of which one is the home of the others.
//
// What is ready counts and stands in the queue of the home alone, so that nothing is ready twice;
// what is placed has the shape that it was placed as, and goes home when it is ready again.

extension Coordinator {
    /// Subtasks of a shape may be placed as another one too.
    ///
    /// A shape that leads to a larger one, has alternatives, or is an alternative already, is none.
    mutating func allow(_ other: ShapeID, insteadOf shape: ShapeID) {
        let (home, other) = (Int(shape.index), Int(other.index))
        guard shapes.indices.contains(other), home < other,
            shapes[home].task == shapes[other].task, shapes[home].home == noIndex,
            shapes[other].home == noIndex, shapes[other].alternatives.isEmpty,
            shapes[home].gang == 1, shapes[other].gang == 1, shapes[other].rung == 0,
            shapes[other].larger == noIndex,
            shapes[home].alternatives.count < Limits.alternativesPerShape,
            !tasks[shapes[home].task].subtasks.contains(where: { Int($0.shape) == other })
        else { return }
        shapes[other].home = UInt32(home)
        shapes[home].alternatives.append(other)
        activate(home)
    }

    /// There may be room for what is ready now.
    private mutating func activate(_ shape: Int) {
        guard shapes[shape].ready > 0, !shapes[shape].isActive else { return }
        shapes[shape].isActive = true
        activeShapes.append(shape)
    }

    /// Why a ready subtask has no slot as what it is, unless one of its alternatives could have one
    /// some day and it could not: then why that one has none.
    func familyReason(_ shape: Int) -> WaitingReason {
        let own = capacityReason(shape)
        guard own.isForEver else { return own }
        return shapes[shape].alternatives.lazy.map { capacityReason($0) }
            .first { !$0.isForEver } ?? own
    }

    /// The shape in whose queue subtasks of this one are while they are ready.
    func home(of shape: Int) -> Int {
        shapes[shape].home == noIndex ? shape : Int(shapes[shape].home)
    }

    /// A subtask that is no longer on a worker has the shape of all its alternatives again.
    mutating func goHome(_ task: Int, _ index: UInt32) {
        let shape = Int(tasks[task].subtasks[Int(index)].shape)
        guard shapes[shape].home != noIndex else { return }
        tasks[task].subtasks[Int(index)].shape = shapes[shape].home
    }
}

// MARK: In a snapshot

extension Coordinator {
    /// Writes the table, if there is anything in it.
    func encodeAlternatives(into writer: inout ByteWriter) {
        let homes = shapes.indices.filter { !shapes[$0].alternatives.isEmpty }
        guard !homes.isEmpty else { return }
        writer.byte(CoordinatorSection.alternatives.rawValue)
        writer.natural(homes.count)
        for home in homes {
            writer.natural(home)
            writer.put(indices: shapes[home].alternatives.map { UInt32($0) })
        }
    }

    /// Reads what ``encodeAlternatives(into:)`` wrote after its number.
    mutating func readAlternatives(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let place = reader.offset
            let home = try reader.natural()
            let others = try reader.indices().map { Int($0) }
            guard shapes.indices.contains(home), others.count <= Limits.alternativesPerShape,
                Set(others).count == others.count,
                others.allSatisfy({
                    $0 > home && shapes.indices.contains($0) && shapes[$0].home == noIndex
                })
            else { throw CodingError(.badNumber, at: place) }
            shapes[home].alternatives = others
            for other in others { shapes[other].home = UInt32(home) }
        }
    }

    /// What is wrong with shapes and their alternatives.
    func alternativeViolations() -> [String] {
        shapes.enumerated().flatMap { index, shape -> [String] in
            var problems: [String] = []
            for other in shape.alternatives
            where !shapes.indices.contains(other) || shapes[other].home != UInt32(index)
                || shapes[other].task != shape.task || !shapes[other].alternatives.isEmpty
            {
                problems.append("shape \(index) may be placed as \(other), which is not its own")
            }
            if shape.home != noIndex {
                if !shapes[Int(shape.home)].alternatives.contains(index) {
                    problems.append("shape \(index) is at home where nobody knows it")
                }
                if shape.ready > 0 || shape.isActive {
                    problems.append("shape \(index) has something ready that is not at home")
                }
            }
            return problems
        }
    }
}
