import CPluginABI
import FanfoldData
import FanfoldPlugins

/// The input of a subtask as the parts that an executor is given.
///
/// Bytes are one part.  An executor whose schema asks for tensors or tables gets those of npy,
/// safetensors and Arrow instead: one for each tensor, and for each record batch.
struct ExecutorInput {
    /// What `run` is given.
    let parts: [PluginCall.Part]
    /// The names of the parts, for a format that has names.
    let names: [String]?

    /// - Parameters:
    ///   - input: the items as a file of the format.
    ///   - forms: what the executor takes beside bytes.
    init(
        _ input: Payload, _ format: DataFormat, forms: Set<PluginCall.Part.Form>
    ) throws(WorkFailure) {
        let form: PluginCall.Part.Form = format == .arrow ? .table : .tensor
        guard forms.contains(form), let flat = try Self.flat(input, format) else {
            parts = [PluginCall.Part(owner: input, bytes: input.bytes)]
            names = nil
            return
        }
        guard flat.count <= Int(FAN_MAX_PARTS) else {
            throw WorkFailure(
                .inputInvalid,
                "the input has \(flat.count) tensors or record batches, an executor is given at "
                    + "most \(FAN_MAX_PARTS); make smaller subtasks")
        }
        names = format == .safetensors ? flat.map { $0.name ?? "" } : nil
        parts = flat.map { part in
            let memory = part.bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
            return PluginCall.Part(owner: memory, bytes: memory.bytes, form: form)
        }
    }

    /// `nil` for a format without tensors and tables.
    private static func flat(
        _ input: Payload, _ format: DataFormat
    ) throws(WorkFailure) -> [FlatPart]? {
        do throws(DataTransferError) {
            switch format {
            case .npy: return try FlatPart.npy(input.bytes, owner: input)
            case .safetensors: return try FlatPart.safetensors(input.bytes, owner: input)
            case .arrow: return try FlatPart.arrow(input.bytes, owner: input)
            default: return nil
            }
        } catch {
            throw WorkFailure(
                .inputInvalid, "the input cannot be given as \(format.rawValue): \(error)")
        }
    }
}
