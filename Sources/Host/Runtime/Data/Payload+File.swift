import FanfoldData

extension Payload {
    /// A tensor or a table of a plugin as a payload, with its format.
    static func file(_ file: BlobFile) -> (Payload, DataFormat) {
        switch file {
        case .npy(let bytes): (Payload(bytes), .npy)
        case .arrow(let bytes): (Payload(bytes), .arrow)
        }
    }
}
