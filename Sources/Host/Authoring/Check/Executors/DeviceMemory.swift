import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Whether a device's memory is as free after a module is unloaded as it was before.
///
/// Source: the functions and the layout of `nvmlMemory_t` are those of NVIDIA's NVML reference.
enum DeviceMemory {
    /// What a driver may keep for itself once it has been used, in bytes.
    static let allowance: Int64 = 16 << 20

    private typealias Plain = @convention(c) () -> Int32
    private typealias ByIndex =
        @convention(c) (
            UInt32, UnsafeMutablePointer<OpaquePointer?>
        ) -> Int32
    private typealias Memory =
        @convention(c) (
            OpaquePointer, UnsafeMutablePointer<UInt64>
        ) -> Int32

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        try ExecutorRig.each(context) { component, configuration, example in
            let rig = try ExecutorRig(component, configuration)
            func once() throws {
                try rig.load(1, example)
                _ = try rig.run(1, RunRequest(example))
                rig.unload(1)
            }
            // The first round loads drivers, which stay.
            try once()
            guard let used = meter() else {
                throw CheckStop.skipped("this machine has no device whose memory can be read")
            }
            let before = used()
            for _ in 0..<10 { try once() }
            rig.calls.destroy()
            let more = used() - before
            guard more <= allowance else {
                throw CheckStop.failed(
                    "after 10 rounds of load, run and unload, \(more >> 20) MiB more of the "
                        + "device are used")
            }
        }
    }

    /// What reads how many bytes of the first device are used; `nil` without NVML or a device.
    private static func meter() -> (() -> Int64)? {
        guard let library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL),
            let start = dlsym(library, "nvmlInit_v2"),
            let byIndex = dlsym(library, "nvmlDeviceGetHandleByIndex_v2"),
            let memory = dlsym(library, "nvmlDeviceGetMemoryInfo")
        else { return nil }
        guard unsafeBitCast(start, to: Plain.self)() == 0 else { return nil }
        var device: OpaquePointer?
        guard unsafeBitCast(byIndex, to: ByIndex.self)(0, &device) == 0, let device else {
            return nil
        }
        let read = unsafeBitCast(memory, to: Memory.self)
        return {
            // total, free, used
            var figures: [UInt64] = [0, 0, 0]
            return read(device, &figures) == 0 ? Int64(clamping: figures[2]) : 0
        }
    }
}
