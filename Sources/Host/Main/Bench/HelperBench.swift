import CPluginABI
import FanfoldPlugins
import FanfoldRuntime

/// What a call costs when the plugin is in a process of its own.
struct HelperBench {
    static let calls = 20_000
    static let starts = 10
    static let longBytes = 64 << 20

    let context: HostContext
    let rounds: Int

    func measure() throws -> [String] {
        do {
            let plugin = try context.registry.load(
                path: context.executableDirectory + "/libbench-strategy.so", in: context.helpers)
            return [try starts(plugin), try roundTrips(plugin), try longParts(plugin)]
        } catch let exit as Exit {
            throw exit
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.notFound
        }
    }

    private func make(_ plugin: LoadedPlugin) throws -> any StrategyCalls {
        let strategy = try plugin.makeStrategy(
            plugin.component(), configuration: [:], callNanoseconds: 60_000_000_000,
            logger: context.logger)
        try strategy.begin(task: 0, spec: Array("{}".utf8), inputs: [])
        return strategy
    }

    /// From nothing to an instance that has begun a task.
    private func starts(_ plugin: LoadedPlugin) throws -> String {
        var time = Figures()
        for _ in 0..<rounds {
            var all: [any StrategyCalls] = []
            let taken = try seconds { for _ in 0..<Self.starts { all.append(try make(plugin)) } }
            for strategy in all { strategy.destroy() }
            time.add(taken * 1e3 / Double(Self.starts))
        }
        return "helper: started, loaded and begun in \(time.text(1)) ms"
    }

    private func roundTrips(_ plugin: LoadedPlugin) throws -> String {
        let strategy = try make(plugin)
        defer { strategy.destroy() }
        var median = Figures()
        var mean = Figures()
        for _ in 0..<rounds {
            var times: [UInt64] = []
            times.reserveCapacity(Self.calls)
            let taken = try seconds {
                for number in 0..<Self.calls {
                    let begin = monotonicNanoseconds()
                    try tell(strategy, subtask: UInt64(number), part: nil)
                    times.append(monotonicNanoseconds() - begin)
                }
            }
            median.add(Double(times.sorted()[Self.calls / 2]) / 1e3)
            mean.add(taken * 1e6 / Double(Self.calls))
        }
        return "helper: on_result there and back in \(median.text(1)) µs (median of "
            + "\(Self.calls)), \(mean.text(1)) µs on average"
    }

    /// One part of 64 MiB, against copying as much within this process.
    private func longParts(_ plugin: LoadedPlugin) throws -> String {
        let strategy = try make(plugin)
        defer { strategy.destroy() }
        let source = LongMemory(Self.longBytes)
        let target = LongMemory(Self.longBytes)
        var crossing = Figures()
        var copying = Figures()
        var share = Figures()
        // The first time touches the pages, in both.
        for round in 0...rounds {
            let copy = seconds { target.bytes.copyMemory(from: .init(source.bytes)) }
            let cross = try seconds { try tell(strategy, subtask: UInt64(round), part: source) }
            guard round > 0 else { continue }
            copying.add(copy * 1e3)
            crossing.add(cross * 1e3)
            share.add(100 * copy / cross)
        }
        return "helper: a part of \(Self.longBytes >> 20) MiB in \(crossing.text(1)) ms, memcpy of "
            + "as much \(copying.text(1)) ms: \(share.text()) % of its rate"
    }

    private func tell(
        _ strategy: any StrategyCalls, subtask: UInt64, part: LongMemory?
    ) throws {
        var blob = part.map { HostBlob.lend($0, bytes: .init($0.bytes)) } ?? fan_blob()
        var result = fan_result()
        result.struct_size = UInt32(MemoryLayout<fan_result>.size)
        result.subtask = subtask
        result.part_count = part == nil ? 0 : 1
        let sink = EmptySink()
        try withUnsafeMutablePointer(to: &blob) { parts in
            result.parts = parts
            try strategy.onResult(task: 0, &result, sink: sink)
        }
    }
}

/// Memory that is lent to a plugin.
private final class LongMemory: Sendable {
    // Written only by the measurement, on one thread.
    nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int) {
        bytes = .allocate(byteCount: count, alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 7)
    }

    deinit { bytes.deallocate() }
}
