/// A moment, in nanoseconds since a start that the shell chose; it never goes back.
///
/// Core has no clock: every moment it knows came in with an event.
package struct Tick: Hashable, Comparable, Sendable {
    /// Nanoseconds since the start.
    package var nanoseconds: UInt64

    /// The moment this many nanoseconds after the start.
    package init(_ nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The start.
    package static let zero = Tick(0)

    /// A later moment; one that no clock reaches if the sum does not fit.
    package func advanced(byNanoseconds nanoseconds: UInt64) -> Tick {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return Tick(overflow ? .max : sum)
    }

    package static func < (left: Tick, right: Tick) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// One execution of a pipeline, as the shell names it.
package struct RunID: Hashable, Comparable, Sendable {
    /// Chosen by the shell; never used twice in one coordinator.
    package var rawValue: UInt64

    /// The run of this number.
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: RunID, right: RunID) -> Bool { left.rawValue < right.rawValue }
}

/// One node of a run's graph.
///
/// Counted from 0 through all runs of a coordinator: the first task of the next run has the id
/// ``Coordinator/nextTask``.
package struct TaskID: Hashable, Comparable, Sendable {
    /// The place in the coordinator's table of tasks.
    package var index: UInt32

    /// The task at this place.
    package init(_ index: UInt32) { self.index = index }

    package static func < (left: TaskID, right: TaskID) -> Bool { left.index < right.index }
}

/// An agent with resources.
///
/// Counted from 0 by the shell, and never used again: a machine that comes back is a new worker,
/// so that nothing it said before can be mistaken for what it says now.
package struct WorkerID: Hashable, Comparable, Sendable {
    /// The place in the coordinator's table of workers.
    package var index: UInt32

    /// The worker at this place.
    package init(_ index: UInt32) { self.index = index }

    package static func < (left: WorkerID, right: WorkerID) -> Bool { left.index < right.index }
}

/// One piece of a task.
package struct SubtaskID: Hashable, Comparable, Sendable {
    /// The task it is a piece of.
    package var task: TaskID
    /// How many subtasks the strategy had put before it, through all its answers.
    package var index: UInt32

    /// The subtask of this number.
    package init(task: TaskID, index: UInt32) {
        self.task = task
        self.index = index
    }

    package static func < (left: SubtaskID, right: SubtaskID) -> Bool {
        (left.task.index, left.index) < (right.task.index, right.index)
    }
}

/// One try of a subtask on one worker, 12 bytes.
///
/// The epoch is the fence: a report that names an older one is about an attempt that has been
/// given up, and its result is dropped.
package struct AttemptID: Hashable, Comparable, Sendable {
    /// The task.
    package var task: TaskID
    /// The subtask's ``SubtaskID/index``.
    package var index: UInt32
    /// Counts the placements of the subtask, from 1; wraps around after 65,535.
    package var epoch: UInt16

    /// A try of a subtask.
    package init(subtask: SubtaskID, epoch: UInt16) {
        self.task = subtask.task
        self.index = subtask.index
        self.epoch = epoch
    }

    /// What is tried.
    package var subtask: SubtaskID { SubtaskID(task: task, index: index) }

    package static func < (left: AttemptID, right: AttemptID) -> Bool {
        (left.subtask, left.epoch) < (right.subtask, right.epoch)
    }
}

/// What a subtask needs and what it runs, interned by the shell: subtasks of one shape are
/// interchangeable for placement.
///
/// Counted from 0 in the order of ``Event/shapeDeclared(_:_:)``.
package struct ShapeID: Hashable, Comparable, Sendable {
    /// The place in the coordinator's table of shapes.
    package var index: UInt32

    /// The shape at this place.
    package init(_ index: UInt32) { self.index = index }

    package static func < (left: ShapeID, right: ShapeID) -> Bool { left.index < right.index }
}

/// A reservation of one shape on one worker, through which attempts of the shape pass one after
/// the other without asking the coordinator.
package struct SlotID: Hashable, Comparable, Sendable {
    /// The place in the worker's table of slots.
    package var index: UInt32
    /// Tells apart the slots that had this place; a slot is freed once at most.
    package var generation: UInt32

    /// The slot at this place.
    package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    package static func < (left: SlotID, right: SlotID) -> Bool {
        (left.index, left.generation) < (right.index, right.generation)
    }
}
