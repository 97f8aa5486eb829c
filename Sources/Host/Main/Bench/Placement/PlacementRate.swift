import FanfoldCore
import FanfoldRuntime

/// `fanfold bench placements`: how long the production placer takes for one subtask, on workers
/// made up.
struct PlacementRate {
    let policy: PlacementPolicy
    let subtasks: Int
    let shapes: Int

    /// What a run with so many workers took.
    struct Outcome {
        var placed = 0
        /// Subtasks that had no room, after which room was made.
        var refused = 0
        /// Nanoseconds of all placements and of giving back.
        var total: UInt64 = 0
        /// Nanoseconds of each placement, in order of size.
        var times: [UInt32] = []
        /// Different states workers were in at the end.
        var states = 0

        var rate: Double { Double(placed) / (Double(max(1, total)) / 1e9) }

        func quantile(_ share: Double) -> Double {
            guard !times.isEmpty else { return 0 }
            return Double(times[Int(share * Double(times.count - 1))]) / 1000
        }
    }

    /// Places subtasks of all shapes in a random order.
    ///
    /// Once nine tenths of the cores are taken, the one that was placed first ends before the next
    /// comes.
    func run(workers: Int) -> Outcome {
        var random = SplitMix64(seed: 42)
        var placer = Placer(policy)
        var free: Int64 = 0
        for worker in 0..<workers {
            let total = Self.worker(&random)
            free += total.milliCores
            placer.add(worker, total: total)
        }
        let reserve = free / 10
        let requests = (0..<shapes).map { _ in Self.request(&random) }
        let numbers = requests.map { placer.shape(of: PlacementRequest($0)) }
        var running: [(shape: Int, place: ChosenPlace)] = []
        running.reserveCapacity(subtasks)
        var first = 0
        var outcome = Outcome()
        outcome.times.reserveCapacity(subtasks)
        let begin = threadNanoseconds()
        for _ in 0..<subtasks {
            let pick = Int(random.upTo(UInt64(shapes - 1)))
            while free - requests[pick].milliCores < reserve, first < running.count {
                let (shape, place) = running[first]
                first += 1
                placer.release(numbers[shape], place)
                free += requests[shape].milliCores
            }
            let start = monotonicNanoseconds()
            placer.arrived(numbers[pick])
            let place = placer.place(numbers[pick])
            outcome.times.append(
                UInt32(truncatingIfNeeded: min(monotonicNanoseconds() - start, 1 << 31)))
            guard let place else {
                outcome.refused += 1
                continue
            }
            running.append((pick, place))
            free -= requests[pick].milliCores
            outcome.placed += 1
        }
        outcome.total = threadNanoseconds() - begin
        outcome.times.sort()
        outcome.states = placer.states
        return outcome
    }

    /// 8 to 64 cores with 2, 4 or 8 GiB each; one worker in ten has 8 GPUs of 80 GiB.
    private static func worker(_ random: inout SplitMix64) -> ResourceVector {
        let cores = Int64(8) << Int64(random.upTo(3))
        let gibibytes = cores * (Int64(2) << Int64(random.upTo(2)))
        let devices = random.upTo(9) == 0 ? 8 : 0
        return ResourceVector(
            milliCores: cores * 1000, memoryBytes: gibibytes << 30,
            devices: Array(repeating: DeviceVector(memoryBytes: 80 << 30), count: devices))
    }

    /// Up to 4 cores in quarters and up to 4 GiB in eighths; one shape in twenty asks for a GPU.
    private static func request(_ random: inout SplitMix64) -> ResourceRequest {
        let quarters = Int64(random.upTo(15)) + 1
        let eighths = Int64(random.upTo(31)) + 1
        let usesGPU = random.upTo(19) == 0
        return ResourceRequest(
            milliCores: quarters * 250, memoryBytes: eighths << 27, devices: usesGPU ? 1 : 0,
            deviceMilli: Int64(random.upTo(3) + 1) * 250)
    }
}
