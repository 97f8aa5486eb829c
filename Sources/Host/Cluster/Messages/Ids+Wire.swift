import FanfoldCore
import FanfoldRuntime
import FanfoldWire

extension AttemptID {
    /// As it stands in a message; the epoch of a stranger is cut to what an epoch can be.
    init(_ wire: WireAttempt) {
        self.init(
            subtask: SubtaskID(task: TaskID(wire.task), index: wire.index),
            epoch: UInt16(truncatingIfNeeded: wire.epoch))
    }
}

extension WireAttempt {
    init(_ attempt: AttemptID) {
        self.init()
        task = attempt.task.index
        index = attempt.index
        epoch = UInt32(attempt.epoch)
    }
}

extension SlotID {
    /// A slot as one number: the place in the high half, the generation in the low one.
    init(wire: UInt64) {
        self.init(
            index: UInt32(truncatingIfNeeded: wire >> 32),
            generation: UInt32(truncatingIfNeeded: wire))
    }

    var wire: UInt64 { UInt64(index) << 32 | UInt64(generation) }
}

extension WireAssignment {
    /// The places of the GPUs that its slot holds.
    var places: [Int] { devices.map { Int($0) } }
}

extension WorkGang {
    /// The place among the members; `nil` if it is none, or a host is no name or address.
    init?(_ wire: WireGang) {
        guard wire.rank < wire.hosts.count, wire.hosts.count <= Limits.membersPerGang,
            wire.hosts.allSatisfy({
                !$0.isEmpty && $0.utf8.allSatisfy { (33...126).contains($0) && $0 != 44 }
            })
        else { return nil }
        self.init(rank: Int(wire.rank), hosts: wire.hosts)
    }
}

extension Assignment {
    /// What a message says about an attempt.
    init(_ attempt: AttemptID, _ order: AssignmentOrder, _ wire: WireAssignment) {
        self.init(
            attempt: attempt, shape: ShapeID(wire.shape), order: order, devices: wire.places)
    }
}
