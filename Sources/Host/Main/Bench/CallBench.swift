import CBenchDirect
import CPluginABI
import FanfoldPlugins

/// What a call through the contract costs, against the same C function called directly.
struct CallBench {
    static let calls = 2_000_000

    let context: HostContext
    let rounds: Int

    func measure() throws -> [String] {
        let instance = try makeInstance()
        var direct = Figures()
        var through = Figures()
        var more = Figures()
        for _ in 0..<rounds {
            let plain = nanosecondsDirect()
            let abi = try nanosecondsThroughContract(instance)
            direct.add(plain)
            through.add(abi)
            more.add(abi - plain)
        }
        return [
            "abi: direct C call \(direct.text(1)) ns, on_result through the contract "
                + "\(through.text(1)) ns, difference \(more.text(1)) ns"
        ]
    }

    private func makeInstance() throws -> StrategyInstance {
        do {
            let plugin = try context.registry.load(
                path: context.executableDirectory + "/libbench-strategy.so")
            return try StrategyInstance(
                plugin: plugin, component: try plugin.component(), configuration: [:],
                logger: context.logger)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.notFound
        }
    }

    private func nanosecondsDirect() -> Double {
        var sum: UInt64 = 0
        var result = fan_result()
        let time = seconds {
            for number in 0..<Self.calls {
                result.subtask = UInt64(number)
                _ = bench_on_result(&sum, &result)
            }
        }
        return time * 1e9 / Double(Self.calls)
    }

    private func nanosecondsThroughContract(_ instance: StrategyInstance) throws -> Double {
        let sink = EmptySink()
        var result = fan_result()
        result.struct_size = UInt32(MemoryLayout<fan_result>.size)
        let time = try seconds {
            for number in 0..<Self.calls {
                result.subtask = UInt64(number)
                try instance.onResult(task: 0, &result, sink: sink)
            }
        }
        return time * 1e9 / Double(Self.calls)
    }
}

/// Takes nothing.
final class EmptySink: HostSink {
    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code { fan_code(0) }

    func withdraw(_ id: UInt64) -> fan_code { fan_code(0) }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code { fan_code(0) }
}
