extension Attempt {
    /// Variables by which a process sees the GPUs that are reserved for it, and no others.
    ///
    /// GPUs are named by UUID: CUDA may count them in another order than the driver.  Nothing is
    /// set on a machine that offers no GPU.  `void` is what NVIDIA's container runtime takes for
    /// none.
    var deviceVariables: [(name: String, value: String)] {
        guard !host.graphics.isEmpty else { return [] }
        let names = work.devices.filter { host.graphics.indices.contains($0) }
            .map { host.graphics[$0] }.joined(separator: ",")
        return [
            ("CUDA_VISIBLE_DEVICES", names),
            ("NVIDIA_VISIBLE_DEVICES", names.isEmpty ? "void" : names),
        ]
    }
}
