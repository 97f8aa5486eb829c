@preconcurrency import Glibc

/// What record number N is.
enum WrittenRecord {
    /// Of a length and content that follow from the number.
    static func bytes(_ number: UInt64) -> [UInt8] {
        let digits = Array(String(number).utf8)
        return digits
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: Int(number % 97))
    }
}
