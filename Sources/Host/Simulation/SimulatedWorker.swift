import FanfoldCore

/// What a worker would do: the truth that the coordinator only hears of.
struct SimulatedWorker {
    let id: WorkerID
    let capacity: ResourceVector
    /// Times the usual duration.
    let slowness: Double
    /// Whether it does not listen when it is told to cancel what runs.
    let isDeaf: Bool
    /// Whether every attempt fails there at once.
    var isBroken = false
    var isAlive = true
    /// Counts its connections, from 0.
    var session: UInt64 = 0
    /// Whether its connection stands, as it really is.
    var isLinked = true
    /// What arrives later than this, on a connection that is gone, is lost.
    var cut = Tick.zero
    /// Whether the coordinator sends orders: it knows what is on the worker.
    var isOpen = true
    /// The connection whose inventory the coordinator took in.
    var heardSession: UInt64 = 0
    /// Ends that were not acknowledged, in order.
    var unacknowledged: [AttemptReport] = []
    /// Nothing that it says overtakes its inventory.
    var notBefore = Tick.zero
    /// Nothing overtakes anything on the way to a worker.
    var lastArrival = Tick.zero
    var running: [(slot: SlotID, attempt: AttemptID, shape: ShapeID)] = []
    var queued: [(attempt: AttemptID, shape: ShapeID)] = []
    /// Attempts that the coordinator ever ordered.
    var given: Set<AttemptID> = []
    var usedMilliCores: Int64 = 0

    /// The first attempt queued for a shape.
    mutating func next(of shape: ShapeID) -> AttemptID? {
        guard let place = queued.firstIndex(where: { $0.shape == shape }) else { return nil }
        return queued.remove(at: place).attempt
    }
}
