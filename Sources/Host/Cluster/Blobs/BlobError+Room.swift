import FanfoldBlobs

extension BlobError {
    /// Whether there will be another answer once there is room on the disk.
    var isForWantOfRoom: Bool {
        switch self {
        case .diskFull, .storeFull: true
        default: false
        }
    }
}
