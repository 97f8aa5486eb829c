import FanfoldCore

/// A number that stands for everything the coordinator ordered, in order: equal in every process
/// for equal orders.
///
/// Source: FNV-1a, 64 bits, over words.
struct Transcript {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01B3 }

    mutating func mix(_ text: String) { for byte in text.utf8 { mix(UInt64(byte)) } }

    mutating func mix(_ attempts: [AttemptID]) {
        mix(UInt64(attempts.count))
        for attempt in attempts { mix(attempt) }
    }

    mutating func mix(_ attempt: AttemptID) {
        mix(UInt64(attempt.task.index) << 32 | UInt64(attempt.index))
        mix(UInt64(attempt.epoch))
    }

    mutating func mix(_ effect: Effect) {
        switch effect {
        case .cancel(let worker, let attempts, let reason):
            mixCase(1, worker.index)
            mix(UInt64(reason.rawValue))
            mix(attempts)
        case .takeBack(let worker, let attempts):
            mixCase(2, worker.index)
            mix(attempts)
        case .start(let worker, let assignments):
            mixCase(3, worker.index)
            for assignment in assignments { mix(assignment) }
        case .tellResults(let task, let attempts):
            mixCase(4, task.index)
            mix(attempts)
        case .tellFailure(let subtask, let failure, let attempts):
            mixCase(5, subtask.task.index)
            mix(UInt64(subtask.index) << 32 | UInt64(attempts))
            mix(failure.message)
        case .tellCapacity(let task): mixCase(6, task.index)
        case .forget(let subtasks):
            mixCase(7, UInt32(subtasks.count))
            for subtask in subtasks { mix(UInt64(subtask.index)) }
        case .split(let task, let want):
            mixCase(8, task.index)
            mix(UInt64(want))
        case .finishStrategy(let task): mixCase(9, task.index)
        case .endStrategy(let task): mixCase(10, task.index)
        case .taskEnded(let task, let outcome):
            mixCase(11, task.index)
            mix("\(outcome)")
        case .beginStrategy(let task): mixCase(12, task.index)
        case .runEnded(let run, let outcome):
            mixCase(13, UInt32(truncatingIfNeeded: run.rawValue))
            mix("\(outcome)")
        case .wakeAt(let tick):
            mixCase(14, 0)
            mix(tick.nanoseconds)
        }
    }

    private mutating func mixCase(_ number: UInt64, _ id: UInt32) {
        mix(number << 32 | UInt64(id))
    }

    private mutating func mix(_ assignment: Assignment) {
        mix(assignment.attempt)
        mix(UInt64(assignment.shape.index))
        switch assignment.order {
        case .queue: mix(1)
        case .start(let slot):
            mix(2)
            mix(UInt64(slot.index) << 32 | UInt64(slot.generation))
        case .promote(let slot):
            mix(3)
            mix(UInt64(slot.index) << 32 | UInt64(slot.generation))
        }
    }
}
