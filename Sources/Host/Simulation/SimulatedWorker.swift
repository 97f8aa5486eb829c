import FanfoldCore

/// What a worker would do: the truth that the coordinator only hears of.
struct SimulatedWorker {
    let id: WorkerID
    let capacity: ResourceVector
    /// Times the usual duration.
    let slowness: Double
    /// Whether it does not listen when it is told to cancel what runs.
    let isDeaf: Bool
    var isAlive = true
    /// Nothing overtakes anything on the way to a worker.
    var lastArrival = Tick.zero
    var running: [(slot: SlotID, attempt: AttemptID, shape: ShapeID)] = []
    var queued: [(attempt: AttemptID, shape: ShapeID)] = []
    var usedMilliCores: Int64 = 0

    /// The first attempt queued for a shape.
    mutating func next(of shape: ShapeID) -> AttemptID? {
        guard let place = queued.firstIndex(where: { $0.shape == shape }) else { return nil }
        return queued.remove(at: place).attempt
    }
}
